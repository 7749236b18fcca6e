import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.labels import EKMAN7, align, canonical, scheme
from affectlens.core.schema import (
    Evidence,
    Row,
    TableWriter,
    evidence_frame,
    from_audformat,
    rows_frame,
    to_audformat,
    write_frame,
)

P = (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1)


def test_row_knows_its_label_and_confidence():
    row = Row("a.mp4", 0, 1, 0, "face", probabilities=P)
    assert (row.label, row.confidence) == ("happiness", 0.4)
    assert Row("a", 0, 1, 0, "face", "missing", "no face in view").label == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "fine"}, "not one of"),
        ({"status": "missing"}, "must give a reason"),
        ({"probabilities": (0.5, 0.5)}, "2 probabilities"),
        ({"probabilities": (0.5,) * 7}, "must be a distribution"),
    ],
)
def test_impossible_rows_are_refused(change, says):
    with pytest.raises(UsageError, match=says):
        Row("a", 0, 1, 0, "face", **change)


def test_audformat_round_trip():
    frame = rows_frame([Row("a", 0.5, 1.25, 0, "face", probabilities=P), Row("b", 0, 2, 1, "words", probabilities=P)])
    there = to_audformat(frame)
    assert list(there.index.names) == ["file", "start", "end"]
    assert there.index.get_level_values("end")[0] == pd.Timedelta(seconds=1.25)
    pd.testing.assert_frame_equal(from_audformat(there)[frame.columns], frame)
    with pytest.raises(UsageError, match="expected the index"):
        from_audformat(frame)


def test_evidence_round_trip():
    e = Evidence("e1", "a", 0, 1, 0, "instance", "face", "anger", "region: mouth", 2.0, "x", "cam", settings={"k": 1})
    assert Evidence.from_record(evidence_frame([e]).iloc[0].to_dict()).settings == {"k": 1}
    with pytest.raises(UsageError, match="level"):
        Evidence("e1", "a", 0, 1, 0, "magic", "face", "anger", "n", 1.0, "u", "m")


def test_table_takes_its_name_only_when_closed(tmp_path):
    path = tmp_path / "table.parquet"
    writer = TableWriter(path)
    for i in range(3):
        writer.append(rows_frame([Row("a", i, i + 1, 0, "face", probabilities=P)]))
        assert not path.exists()
    writer.close()
    assert len(pd.read_parquet(path)) == 3
    again = TableWriter(tmp_path / "other.parquet")
    again.append(rows_frame([Row("a", 0, 1, 0, "face", probabilities=P)]))
    again.discard()
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]


def test_an_empty_table_has_its_columns(tmp_path):
    TableWriter(tmp_path / "t.parquet").close()
    assert list(pd.read_parquet(tmp_path / "t.parquet").columns) == list(rows_frame([]).columns)


def test_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(*_a, **_k):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OutputError, match="No space left"):
        write_frame(rows_frame([]), tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_labels_are_aligned_by_name():
    other = tuple(reversed(EKMAN7.labels))
    p = np.arange(7.0)[None]
    assert align(p, other, EKMAN7.labels).tolist() == [[6, 5, 4, 3, 2, 1, 0]]
    with pytest.raises(UsageError, match="do not name"):
        align(p, other[:6] + ("joyful",), EKMAN7.labels)
    assert canonical(" Joy ") == "happiness"
    with pytest.raises(UsageError, match="did you mean"):
        scheme("ekman")
