"""One bad input never ends a batch; rows are on disk as they come, and what was stopped goes on."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import UsageError
from affectlens.core.options import Options
from affectlens.core.schema import Row
from affectlens.core.tables import rows_frame
from affectlens.pipeline import Engine, explain, folder_name, recognize
from affectlens.pipeline.jobs import Job
from affectlens.pipeline.parts import read_part, write_part
from affectlens.pipeline.results import Result, Results, Run
from affectlens.pipeline.writer import write_table
from affectlens.report.exporters import EXPORTERS, export, export_pieces


@pytest.fixture
def pictures(tmp_path, frame):
    """Three pictures that can be read."""
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(frame, 5 * number, axis=1)).save(path)
    return paths


def broken_at(monkeypatch, engine, name, stage, error):
    """Let one stage of the engine fail for the input of that name, after it has done its work."""
    modality = engine.modalities[0]
    original = getattr(modality, stage)

    def failing(clip, *rest):
        made = original(clip, *rest)
        if clip.path.name == name:
            raise error
        return made

    monkeypatch.setattr(modality, stage, failing)


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("begin", ZeroDivisionError("division by zero")), ("watch", UnicodeError("no codec")), ("window", MemoryError()),
        ("finish", OSError(5, "I/O error")),
    ],
)  # fmt: skip
def test_whatever_one_input_raises_is_its_failure_and_leaves_no_trace(
    face_engine, pictures, tmp_path, monkeypatch, stage, error
):
    alone = recognize(pictures[2], engine=face_engine).table
    broken_at(monkeypatch, face_engine, "b.png", stage, error)
    run = recognize(pictures, engine=face_engine, out=tmp_path / "t.csv")
    (failed,) = run.failed
    assert failed.key == str(pictures[1]) and failed.reason and "\n" not in failed.reason and run.exit_code == 1
    pd.testing.assert_frame_equal(run.results[1].table, alone)
    listed = pd.read_csv(tmp_path / "t.csv.failures.csv")
    assert list(listed) == ["key", "what", "reason"] and listed.key.tolist() == [str(pictures[1])]
    assert type(error).__name__ in (tmp_path / "t.csv.failures.log").read_text()
    assert set(pd.read_csv(tmp_path / "t.csv").file) == {str(pictures[0]), str(pictures[2])}


def test_a_finished_run_is_verified_file_by_file(face_engine, pictures, tmp_path):
    """Every file of the reports and the ledger, and bytes of each; a run that goes on is whole again at its end."""
    from affectlens import verify

    out = tmp_path / "out"
    explain(pictures[:1], out, engine=face_engine)
    assert verify(out).whole
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 12
    for path in files:
        content = path.read_bytes()
        for place in {0, len(content) // 3, len(content) - 1} if content else ():
            path.write_bytes(content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :])
            assert not verify(out).whole, (path, place)
        path.write_bytes(content)
    (out / "more.txt").write_text("")
    assert verify(out).changes.what.tolist() == ["added"]
    (out / "more.txt").unlink()
    explain(pictures[:2], out, engine=face_engine, resume=True)
    assert verify(out).whole


def test_reports_go_on_too(face_engine, pictures, tmp_path, monkeypatch):
    from affectlens.pipeline import writer

    original = writer.write_report

    def failing(report, *rest):
        if report.clip.path.name == "b.png":
            raise RuntimeError("no such chart\nsecond line")
        original(report, *rest)

    monkeypatch.setattr(writer, "write_report", failing)
    run = explain(pictures, tmp_path / "out", engine=face_engine)
    assert len(run.results) == 2 and "RuntimeError: no such chart second line" in run.failures[str(pictures[1])]
    assert "Traceback" in (tmp_path / "out" / "failures.log").read_text()
    again = explain(pictures[0], tmp_path / "out", engine=face_engine)
    assert (
        not again.failed
        and not (tmp_path / "out" / "failures.log").exists()
        and not (tmp_path / "out" / "failures.csv").exists()
    )


def test_ctrl_c_is_no_failure(face_engine, pictures, tmp_path, monkeypatch):
    broken_at(monkeypatch, face_engine, "b.png", "window", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        recognize(pictures, engine=face_engine, out=tmp_path / "t.csv")
    parts = tmp_path / ".t.csv.parts"
    assert len(pd.read_parquet(parts / f"{folder_name(pictures[0])}.parquet")) and len(list(parts.glob("*.parquet"))) == 1
    assert not (tmp_path / "t.csv").exists()


def test_a_stopped_batch_goes_on_and_gives_the_same_bytes(face_engine, pictures, tmp_path, monkeypatch):
    whole = recognize(pictures, engine=face_engine, out=tmp_path / "whole.parquet")
    assert not list(tmp_path.glob(".*.parts"))  # the rows lie in a folder that goes with the run
    with monkeypatch.context() as patch:
        broken_at(patch, face_engine, "c.png", "window", KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            recognize(pictures, engine=face_engine, out=tmp_path / "t.parquet")
    run = recognize(pictures, engine=face_engine, out=tmp_path / "t.parquet", resume=True)
    assert run.resumed == [str(path) for path in pictures[:2]] and run.rows == len(whole.table)
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    pd.testing.assert_frame_equal(run.table, whole.table)
    again = recognize(pictures, engine=face_engine, out=tmp_path / "t.parquet", resume=True)
    assert len(again.resumed) == 3 and again.rows == len(whole.table)
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_only_the_same_file_with_the_same_options_is_skipped(face_engine, pictures, tmp_path, frame):
    recognize(pictures, engine=face_engine, out=tmp_path / "t.csv", resume=True)
    Image.fromarray(np.roll(frame, 40, axis=0)).save(pictures[1])
    run = recognize(pictures, engine=face_engine, out=tmp_path / "t.csv", resume=True)
    assert run.resumed == [str(pictures[0]), str(pictures[2])]
    other = Engine(Options(modalities=("face",), threads=1, device="cpu", seed=1))
    assert recognize(pictures, engine=other, out=tmp_path / "t.csv", resume=True).resumed == []
    with pytest.raises(UsageError, match="give out"):
        recognize(pictures, engine=face_engine, resume=True)


def pieces_of(count, more=()):
    """Tables as inputs give them; the last has a class that the others do not know."""
    rows = [
        Row(
            f"{number}.mp4",
            0,
            1,
            number % 3,
            "face",
            probabilities=(0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1),
            text='=1+1, "ü"\n',
            quality=number / 7,
        )
        for number in range(count)
    ]
    frames = [rows_frame([row, Row(row.file, 1, 2, 0, "words", "missing", "no speech")]) for row in rows]
    return [*frames[:-1], frames[-1].assign(p_doubt=0.5)]


@pytest.mark.parametrize("format", ["parquet", "csv", "json", "audformat"])
@pytest.mark.parametrize("count", [1, 3])
def test_pieces_are_the_whole(tmp_path, format, count):
    frames = pieces_of(count)
    export(pd.concat(frames, ignore_index=True), tmp_path / "whole", format)
    export_pieces(lambda: iter(frames), tmp_path / "pieces", format)
    assert EXPORTERS.get(format).pieces is not None
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    empty = rows_frame([])
    export(empty, tmp_path / "whole", format)
    export_pieces(lambda: iter([empty]), tmp_path / "pieces", format)
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()


def test_a_format_of_a_plug_in_is_given_the_whole(tmp_path):
    from affectlens.report.exporters import register_exporter

    @register_exporter("count")
    def count(table, path):
        path.write_text(str(len(table)))

    try:
        export_pieces(lambda: iter(pieces_of(3)), tmp_path / "n", "count")
    finally:
        EXPORTERS.remove("count")
    assert (tmp_path / "n").read_text() == "6"


def test_row_groups_are_those_of_the_whole(tmp_path, monkeypatch):
    import pyarrow.parquet as pq

    from affectlens.core import tables

    monkeypatch.setattr(tables, "ROW_GROUP", 5)
    export_pieces(lambda: iter(pieces_of(7)[:-1]), tmp_path / "t.parquet")
    file = pq.ParquetFile(tmp_path / "t.parquet")
    assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [5, 5, 2]
    assert pd.read_parquet(tmp_path / "t.parquet").file.tolist() == [f"{number}.mp4" for number in range(6) for _ in range(2)]


def test_memory_does_not_grow_with_the_inputs(tmp_path):
    table = pd.concat(pieces_of(400)[:-1], ignore_index=True)
    peaks = []
    for count in (3, 15):
        results = Results(lambda name, file: read_part(tmp_path / "parts", name, file))
        for number in range(count):
            file = tmp_path / f"{number}.mp4"
            file.write_bytes(b"x")
            job = Job(file, tmp_path / "parts", Options())
            write_part(job, Result(str(file), table, table, None, (), {"total": 1.0}))
            results.add(job.name, str(file))
        tracemalloc.start()
        write_table(Run(results), tmp_path / "t.csv", "csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert sum(1 for _ in (tmp_path / "t.csv").open()) > count * len(table)
    assert peaks[1] < 1.3 * peaks[0]


def test_a_damaged_transcript_of_an_earlier_run_is_heard_again(engine, tmp_path, frame):
    from affectlens.pipeline.engine import _restored

    (tmp_path / "heard-words.json").write_text("{")
    assert not _restored(engine.modalities[1], tmp_path / "heard-words.json")
    (tmp_path / "heard-words.json").write_text("[]")
    assert not _restored(engine.modalities[1], tmp_path / "heard-words.json")
