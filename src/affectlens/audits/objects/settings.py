"""Settings of the audit of objects: one option each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from affectlens.audits.registry import declare_audit
from affectlens.core.options import CAMS, PREPROCESS_HELP, SCORES, SCORES_HELP, named_function
from affectlens.core.settings import Settings, existing_file, folders, setting

RISE = "rise"  # the map of a model that shows nothing but its answers


@dataclass(frozen=True)
class Thresholds:
    """What counts: detections of at least ``score``, answers of at least ``sure``, objects of at least ``importance``."""

    score: float = 0.0
    sure: float = 0.0
    importance: float = 0.0


# The authors' published code keeps detections from .3 on; their values for answers and importance are not published: ours are
# a third of the drawn map's range and no bound on the answer.
PRESETS = {"none": Thresholds(), "emocam": Thresholds(score=0.3, importance=1 / 3)}


def _methods() -> Iterable[str]:
    return (*CAMS(), RISE)


def existing_objects(spec: str) -> str:
    """What is wrong with a source of objects, or an empty string."""
    if spec in ("", "detector", "regions") or ":" in spec or Path(spec).exists():
        return ""
    return (
        "no such file; detector, regions, a COCO json, a folder of YOLO's txt, an Open Images csv or module:function expected"
    )


@dataclass(frozen=True)
class ObjectSettings(Settings):
    """Settings of ``affectlens.audit.objects`` and ``affectlens audit objects``."""

    split: str = setting("", "Split of the corpus; by default test.")
    weights: Path | None = setting(None, "Weights, for emonet and background.", check=existing_file)
    scores: str = setting("", SCORES_HELP, choices=("", *SCORES))
    preprocess: str = setting("", PREPROCESS_HELP, check=named_function, metavar="MODULE:FUNCTION")
    layer: str = setting("", "The layer to draw; by default the last one with a grid.")
    objects: str = setting(
        "",
        "detector, regions (of a face), a COCO json, a folder of YOLO's txt, an Open Images csv, or module:function. By "
        "default regions for face, else detector.",
        check=existing_objects,
    )
    overlaps: str = setting(
        "share", "Pixels in boxes of several classes: share (each keeps them) or smallest.", choices=("share", "smallest")
    )
    labels: Path | None = setting(None, "A csv with columns file and label, for a folder of pictures.", check=existing_file)
    target: str = setting(
        "label", "Map of the label where there is one, or always of the model's answer.", choices=("label", "answer")
    )
    methods: tuple[str, ...] = setting(
        (), "Comma-separated maps, to compare; findings are told from the first.", choices=_methods, metavar="NAME,NAME"
    )
    preset: str = setting(
        "none", "Thresholds: none, or emocam (detections from .3 on, importance from 1/3 on).", choices=tuple(PRESETS)
    )
    truth: Path | None = setting(
        None, "True boxes (as --objects) that the detector's recall is measured on.", check=existing_file
    )
    effects: int = setting(30, "Pictures that are changed (objects removed, put in, …); 0 for none.", least=0)
    sample: int = setting(0, "Pictures drawn at random; 0 for all.", least=0)
    join: tuple[Path, ...] = setting((), "Folders of runs with the same settings to add.", check=folders)
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "objects",
    ObjectSettings,
    "affectlens.audits.objects.audit:objects",
    help="Which regions or things in pictures drive a model: relevance against area, with tests; agreement of maps; changes.",
    model="face",
    assets="affectlens.audits.objects.audit:needed_assets",
)
