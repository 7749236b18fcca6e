import json

import pandas as pd
import pytest

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.schema import Row
from affectlens.core.tables import rows_frame
from affectlens.report.exporters import EXPORTERS, as_text, chosen, export, register_exporter


@pytest.fixture
def table():
    probability = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    return rows_frame(
        [Row("a.mp4", 0.0, 1.5, 0, "face", probabilities=probability), Row("a.mp4", 1.5, 2, 0, "face", "missing", "dark, ü")]
    )


def test_every_format_keeps_the_rows(table, tmp_path):
    read = {
        "parquet": pd.read_parquet,
        "csv": lambda path: pd.read_csv(path, keep_default_na=False, na_values=["nan", ""]),
        "json": lambda path: pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))),
        "audformat": pd.read_csv,
    }
    assert set(read) == set(EXPORTERS)
    for name, reader in read.items():
        path = export(table, tmp_path / f"table{EXPORTERS.get(name).suffix}")
        again = reader(path)
        assert list(again.label.fillna("")) == ["anger", ""] and list(again.reason.fillna("")) == ["", "dark, ü"]
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert pd.to_timedelta(pd.read_csv(tmp_path / "table.audformat.csv").end).dt.total_seconds().tolist() == [1.5, 2.0]
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table)


def test_the_format_is_as_given_else_by_the_name(tmp_path, table):
    assert chosen(tmp_path / "x.json").name == "json" and chosen(None).name == "csv"
    assert chosen(tmp_path / "x.audformat.csv").name == "audformat" and chosen(tmp_path / "x.csv", "json").name == "json"
    assert as_text(table, "json").endswith("]\n") and json.loads(as_text(table, "json"))[0]["label"] == "anger"
    with pytest.raises(UsageError, match="--format: unknown format 'jsn'; did you mean json"):
        chosen(None, "jsn")
    with pytest.raises(UsageError, match="parquet needs a file: give --out table.parquet"):
        chosen(None, "parquet")
    with pytest.raises(UsageError, match=r"no format has the suffix \.xls"):
        chosen(tmp_path / "t.xls")


def test_what_cannot_be_written_leaves_nothing(tmp_path, table):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        export(table, tmp_path / "file" / "table.csv")

    @register_exporter("broken")
    def broken(table, path):
        path.write_text("half")
        raise ValueError

    try:
        with pytest.raises(ValueError):
            export(table, tmp_path / "t.broken")
        assert not [path for path in tmp_path.iterdir() if "broken" in path.name]
    finally:
        EXPORTERS.remove("broken")
