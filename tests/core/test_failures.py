"""Whatever an input raises becomes one row."""

import pandas as pd
import pytest

from affectlens.core.errors import AssetError, CorpusError, LimitError, MediaError, ModelError, OutputError, UsageError
from affectlens.core.failures import failure_of, failures_frame, missed_frame, write_failures


@pytest.mark.parametrize(
    ("error", "what", "reason"),
    [
        (MediaError("a: gone"), "reading", "a: gone"), (LimitError("a: large"), "reading", "a: large"), (CorpusError("c"), "reading", "c"),
        (OutputError("o"), "writing", "o"), (ModelError("m"), "model", "m"), (AssetError("s"), "assets", "s"), (UsageError("u"), "options", "u"),
        (KeyError("label"), "unexpected", "KeyError: 'label' is missing"), (ValueError("a\nb\udce9"), "unexpected", r"ValueError: a b\udce9"),
        (PermissionError(13, "Permission denied", "b.mp4"), "reading", "cannot read b.mp4: Permission denied"),
        (MemoryError(), "unexpected", "the memory does not suffice"), (StopIteration(), "unexpected", "StopIteration"),
    ],
)  # fmt: skip
def test_a_failure_says_what_and_why(error, what, reason):
    failure = failure_of("k", error)
    assert (failure.key, failure.what, failure.reason) == ("k", what, reason)


def test_tables_of_failures(tmp_path):
    failures = [failure_of("caf\udce9\n=1.mp4", ValueError("x")), failure_of("=2.mp4", MediaError("m"))]
    write_failures(failures, tmp_path / "f.csv")
    back = pd.read_csv(tmp_path / "f.csv")
    assert back.key.tolist() == ["caf\\udce9\n=1.mp4", "'=2.mp4"] and list(failures_frame([])) == ["key", "what", "reason"]
    write_failures([], tmp_path / "f.csv")
    assert not (tmp_path / "f.csv").exists()
    assert missed_frame({"a": "why"}).to_dict("records") == [{"key": "a", "reason": "why"}] and list(missed_frame({})) == [
        "key",
        "reason",
    ]
