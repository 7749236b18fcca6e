"""Tables in files: whole or not at all, and in a form that is told."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.schema import Row
from affectlens.core.tables import (
    SCHEMA_VERSION,
    TableWriter,
    check_version,
    from_audformat,
    read_frame,
    rows_frame,
    to_audformat,
    write_frame,
)

P = (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1)


def test_audformat_round_trip():
    frame = rows_frame([Row("a", 0.5, 1.25, 0, "face", probabilities=P), Row("b", 0, 2, 1, "words", probabilities=P)])
    there = to_audformat(frame)
    assert list(there.index.names) == ["file", "start", "end"]
    assert there.index.get_level_values("end")[0] == pd.Timedelta(seconds=1.25)
    pd.testing.assert_frame_equal(from_audformat(there)[frame.columns], frame)
    with pytest.raises(UsageError, match="expected the index"):
        from_audformat(frame)


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

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match="No space left"):
        write_frame(rows_frame([]), tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_files_say_their_form(tmp_path):
    frame = rows_frame([Row("a", 0, 1, 0, "face", probabilities=P)])
    write_frame(frame, tmp_path / "a.parquet")
    writer = TableWriter(tmp_path / "b.parquet")
    writer.append(frame)
    writer.close()
    for name in ("a", "b"):
        metadata = pq.read_schema(tmp_path / f"{name}.parquet").metadata
        assert metadata[b"affectlens.schema_version"] == str(SCHEMA_VERSION).encode()
        pd.testing.assert_frame_equal(read_frame(tmp_path / f"{name}.parquet"), frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), frame)


def test_older_newer_foreign_and_broken_files_are_refused_with_what_to_do(tmp_path):
    frame = rows_frame([Row("a", 0, 1, 0, "face", probabilities=P)])
    old, new, foreign, broken = (tmp_path / f"{n}.parquet" for n in ("old", "new", "foreign", "broken"))
    frame.to_parquet(old)
    table = pa.Table.from_pandas(frame)
    stamped = table.replace_schema_metadata(table.schema.metadata | {b"affectlens.schema_version": b"99"})
    pq.write_table(stamped, new)
    pq.write_table(pa.table({"x": [1]}), foreign)
    broken.write_bytes(b"no table")
    misled = []  # what pandas is told of the table is damaged, the table is not
    for number, about in enumerate((b"\xff\xfe", b"[" * 100_000, b"{}", b"5")):
        misled.append(tmp_path / f"told {number}.parquet")
        pq.write_table(table.replace_schema_metadata({b"pandas": about, b"affectlens.schema_version": b"2"}), misled[-1])
    for path, says in (
        *((path, "cannot be read as a table of affectlens .make it again") for path in misled),
        (old, "an older affectlens .schema 1.*run the recording again without --resume"),
        (new, "a newer affectlens .schema 99.*update affectlens"),
        (foreign, "not a file of affectlens; give another --out"),
        (broken, "cannot be read"),
        (tmp_path / "absent.parquet", "no such file"),
    ):
        with pytest.raises(OutputError, match=says):
            read_frame(path)


def test_versions_as_text_and_number(tmp_path):
    check_version(SCHEMA_VERSION, tmp_path)
    check_version(str(SCHEMA_VERSION), tmp_path)
    for version, says in ((1, "older"), ("1", "older"), (None, "older"), (SCHEMA_VERSION + 1, "newer"), ("x", "newer")):
        with pytest.raises(OutputError, match=says):
            check_version(version, tmp_path)
