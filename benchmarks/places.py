"""How often inferred places are right when something is said, on openly licensed photographs labelled by hand.

The photographs (CC0) are named in ``data/cc0-places.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from affectlens.assets.store import locate
from affectlens.context.place import Place, infer_place
from affectlens.media.pictures.images import read_image
from affectlens.perception.scene.appearance import measure
from affectlens.perception.scene.objects import object_detector
from affectlens.stats.resample import wilson

# Words of the labels that an inferred kind stands for as well.
SAME = {
    "street": {"alley", "downtown", "parking_lot", "highway", "plaza"}, "highway": {"street"},
    "field": {"lawn", "farm", "desert"},
    "athletic_field": {"stadium", "lawn", "field", "golf_course"}, "beach": {"coast", "ocean"}, "airfield": {"airport"},
    "harbor": {"canal", "river"}, "lake": {"pond", "river"}, "mountain": {"canyon", "valley"}, "ski_slope": {"snowfield"},
    "railway_station": {"station", "railroad_track"}, "park": {"garden", "lawn", "zoo", "yard", "playground"},
    "forest": {"zoo", "yard"}, "dining_room": {"restaurant"}, "restaurant": {"dining_room"},
}  # fmt: skip


def judge(folder: Path, labels: pd.DataFrame) -> pd.DataFrame:
    """A row a photograph: what was said and whether it is right."""
    find = object_detector(locate("efficientdet-lite0"))
    rows = []
    for row in labels.fillna("").to_dict("records"):
        image = read_image(folder / row["file"])
        things = find(image)
        seen: dict[str, float] = {}
        for t in things:
            seen[t.name] = max(seen.get(t.name, 0.0), t.score)
        place, _ = infer_place(seen, measure(image, things))
        rows.append({"file": row["file"], "part": row["part"], "said": place.kind, "indoor": place.indoor, "sure": place.sure,
                     "places": row["places"], "truth": row["indoor"], **_right(place, row)})  # fmt: skip
    return pd.DataFrame(rows)


def _right(place: Place, row: dict[str, str]) -> dict[str, object]:
    allowed = set(row["places"].split())
    kind = place.kind in allowed or bool(SAME.get(place.kind, set()) & allowed)
    return {
        "kind right": kind if place.kind else None,
        "indoor right": (("indoor" if place.indoor else "outdoor") == row["indoor"]) if place.indoor is not None else None,
    }


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Precision and coverage; choices were made on the development part only."""
    folder = Path("../shared/data/scene/cc0")
    if not folder.exists():
        yield ("places: the photographs are not here", "", "", None)
        return
    found = judge(folder, pd.read_csv(Path(__file__).parent / "data" / "cc0-places.csv"))
    for part in ("development", "test"):
        mine = found[found.part == part]
        named = mine[mine.said != ""]
        # A close-up without a place has no right answer: a place told of it is an error.
        kinds = wilson(int(named["kind right"].sum()), len(named))
        side = mine[mine.indoor.notna() & (mine.truth != "")]
        sides = wilson(int(side["indoor right"].sum()), len(side))
        yield (f"{part}: kind told for {len(named)} of {len(mine)} photographs, right", str(kinds), "", None)
        yield (f"{part}: indoors or not told for {len(side)} of {int((mine.truth != '').sum())}, right", str(sides), "", None)
