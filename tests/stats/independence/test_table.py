"""The driver of the tables of levels and powers: what was made is kept, and never taken for what other code gives."""

import numpy as np
from benchmarks import independence_parts, independence_table
from benchmarks.independence_parts import Parts, digest_of


def test_parts_go_on_where_they_ended_and_are_those_of_one_run(tmp_path, monkeypatch):
    monkeypatch.setattr(independence_parts, "FOLDER", tmp_path / "runs")
    code = tmp_path / "code"
    code.mkdir()
    (code / "a.py").write_text("one")
    asked = []

    def answer(x, rng):
        asked.append(x)
        return float(x + rng.random())

    def make(rng):
        return (rng.integers(100),)

    parts = Parts("mine", answer, (code,), 7)
    first = parts.extended("cell, n 4", make, 3)
    assert len(asked) == 3 and len(Parts("mine", answer, (code,), 7).known("cell, n 4")) == 3
    five = parts.extended("cell, n 4", make, 5)
    assert len(asked) == 5 and (five[:3] == first).all()
    np.testing.assert_array_equal(Parts("at once", answer, (code,), 7).extended("cell, n 4", make, 5), five)
    assert len(Parts("mine", answer, (code,), 8).known("cell, n 4")) == 0  # another seed
    (code / "a.py").write_text("two")
    assert len(Parts("mine", answer, (code,), 7).known("cell, n 4")) == 0  # other code
    assert digest_of([code]) != digest_of([tmp_path / "code" / "a.py", code])


def test_a_table_has_a_line_a_cell_with_its_interval(monkeypatch):
    cells = {"some, n 4": np.array([0.01, 0.2, 0.05, 0.9]), "none": np.zeros(0)}

    class Known:
        def __init__(self, p):
            self.p = p

    monkeypatch.setattr(independence_table, "levels", lambda: {name: Known(p) for name, p in cells.items()})
    lines = list(independence_table.of_levels())
    assert lines[2] == "| some, n 4 | .500 | [.150, .850] | 4 |" and len(lines) == 4
    assert lines[3].strip().startswith("2 of 4 rejected: 0.500")
