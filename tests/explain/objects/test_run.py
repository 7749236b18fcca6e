import numpy as np
import pytest

from affectlens.errors import UsageError
from affectlens.explain.objects.joint import agreement, combine
from affectlens.explain.objects.run import Pictures, collect
from affectlens.report.objects import findings, write_object_report
from tests.conftest import asset_path


def test_regions_of_faces_are_objects_and_a_run_goes_on(tmp_path, shared):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    pictures = Pictures("face", shared / "face" / "fer2013.parquet", None, "fer2013", "val")
    pictures._items = pictures._items[:24]
    pictures._items[3] = ("broken", np.zeros((48, 48), np.uint8), "fear")  # nobody is in it
    first, _, _ = collect(pictures, ("hirescam",), tmp_path, np.random.default_rng(0), sample=10)
    rows, images, missed = collect(pictures, ("hirescam",), tmp_path, np.random.default_rng(0))
    assert len(images) + len(missed) == 24 and "broken" in missed
    kept = rows["hirescam"]
    assert kept.image.isin(images.image).all() and kept.groupby("image").relevance.sum().between(0.98, 1.02).all()
    again = first["hirescam"].merge(kept, on=["image", "object"])
    assert len(again) == len(first["hirescam"]) and (again.relevance_x == again.relevance_y).all()
    table = combine(kept, images, np.random.default_rng(0), draws=49)
    page = write_object_report(
        {"hirescam": table}, agreement({}, np.random.default_rng(0)), tmp_path, "Objects", "about", missed
    )
    text = page.read_text(encoding="utf-8")
    assert "broken" in text and "nose" in text and len(findings(table)) == images.emotion.nunique()


def test_what_cannot_be_done_is_named(tmp_path, shared):
    with pytest.raises(UsageError, match="weights"):
        Pictures("emonet", tmp_path)
    with pytest.raises(UsageError, match="face or emonet"):
        Pictures("resnet", tmp_path)
    asset_path("yunet")
    pictures = Pictures("face", shared / "face" / "fer2013.parquet", None, "fer2013", "val")
    with pytest.raises(UsageError, match="did you mean"):
        collect(pictures, ("hirescan",), tmp_path, np.random.default_rng(0))
