"""A study from its file to tests and page: planted effects are found, what is lost is counted, and the numbers are right by hand."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from affectlens import study
from affectlens.core.errors import UsageError
from affectlens.core.schema import Row
from affectlens.core.tables import rows_frame, write_frame
from affectlens.study.analysis import tested as all_tests
from affectlens.study.carry import result_of
from affectlens.study.epochs import epochs_of
from affectlens.study.layout import read_study
from affectlens.study.problems import check
from affectlens.study.raters import MODEL, agreement
from affectlens.study.tidy import gathered

EXAMPLE = Path(__file__).parents[2] / "examples" / "study" / "generate.py"


def example():
    spec = importlib.util.spec_from_file_location("generate_study", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    path = example().generate(folder)
    return study.run(path, folder / "out"), folder


def test_the_planted_effect_is_found_and_nothing_else(made):
    result, _ = made
    found = result.tests[result.tests.p_holm <= 0.05]
    assert set(found.measure) == {"happiness"} and {"from baseline", "between conditions"} == set(found.family)
    clusters = result.clusters[result.clusters.p_value <= 0.05]
    assert list(clusters.measure) == ["happiness"] and clusters.start.item() < 3.5 < clusters.end.item()
    stirring = result.mixed[(result.mixed.measure == "happiness") & (result.mixed.term == "condition[stirring]")]
    assert stirring.p_value.item() < 0.05 and stirring.value.item() > 0


def test_what_was_lost_is_counted_and_named_with_its_line(made):
    result, folder = made
    flow = result.flow.set_index("step")
    assert flow["count"].to_dict() == {
        "participants in the file": 12, "participants excluded": 1, "recordings planned": 33, "recordings read": 33, "rows": 2354,
        "rows with an answer": 2290, "events planned": 22, "events used": 21, "participants with values": 11,
    }  # fmt: skip
    assert (
        flow.lost["participants excluded"] == "P11, fell asleep"
        and flow.lost["events used"] == "1 events outside of their recording"
    )
    (what, why), *more = result.lost.items()
    assert not more and what.startswith("P05: logs/P05_calm.txt: wave") and f"{folder / 'study.yaml'}, line 31" in why
    assert any("take no part in it: 1" in note for note in result.notes)
    assert "11 participants find an effect of" in " ".join(result.notes)


def test_the_page_and_the_tables_are_written_and_written_again(made):
    result, folder = made
    page = (folder / "out" / "report.html").read_text()
    for words in (
        "affectlens study",
        "Flow of data",
        "Time courses",
        "Differences of means",
        "Mixed models",
        "Agreement",
        "Methods",
        "fell asleep",
    ):
        assert words in page
    assert (folder / "out" / "figures" / "courses.svg").exists() and (folder / "out" / "figures" / "courses.png").exists()
    tidy = pd.read_csv(folder / "out" / "tidy.csv")
    assert len(tidy) == len(pd.read_parquet(folder / "out" / "tidy.parquet")) == len(result.tidy)
    again = study.report(folder / "out")
    assert again.read_text() == page
    loaded = study.StudyResult.load(folder / "out" / "result")
    pd.testing.assert_frame_equal(loaded.tests, result.tests)
    assert loaded.lost == result.lost and loaded.methods == result.methods


def test_agreement_of_raters_and_model(made):
    result, _ = made
    by = result.agreement.set_index("what")
    assert {"raters", "Ann and Ben", "Ann and affectlens", "Ben and affectlens"} <= set(by.index)
    assert 0 < by.value["Ann and Ben"] < 1 and by.moments["Ann and Ben"] == 96 and by.recordings["raters"] == 3
    assert by.low["raters"] < by.value["raters"] < by.high["raters"]


# ---- by hand


def rows(path, values, *, person=0, file="x.mp4", status="ok", start=0.0):
    """A row a second, of happiness as given."""
    made = []
    for number, value in enumerate(values):
        shares = (1 - value, 0.0, 0.0, value, 0.0, 0.0, 0.0)
        given = {"probabilities": shares} if status == "ok" else {"status": status, "reason": "dark"}
        made.append(Row(file, start + number, start + number + 1, person, "fused", **given))
    write_frame(rows_frame(made), path)


def small(tmp_path, people, analysis, more=""):
    path = tmp_path / "study.yaml"
    path.write_text(
        f"participants:\n{people}{more}analysis:\n  measures: [happiness]\n  draws: 99\n{analysis}", encoding="utf-8"
    )
    return read_study(path)


def epochs(read):
    return epochs_of(read, gathered(read, lambda path: pytest.fail(str(path))))


def test_means_around_an_event_by_hand(tmp_path):
    rows(tmp_path / "a.parquet", [0.1, 0.2, 0.4, 0.8])
    rows(tmp_path / "rest.parquet", [0.1, 0.3])
    people = (
        "  - id: A\n    recordings: [{table: a.parquet, markers: [{name: m, time: 1.5}, {name: m, time: 2}]}]\n"
        "    baseline: {table: rest.parquet, start: 0, end: 2}\n"
    )
    read = small(tmp_path, people, "  event: m\n  window: [-1, 1]\n  bin: 1\n  baseline: person\n")
    made = epochs(read)
    # first event: [0.5, 1.5] has half of .1 and half of .2, [1.5, 2.5] half of .2 and half of .4; second: .2 and .4
    assert made.raw.value.tolist() == pytest.approx([(0.15 + 0.2) / 2, (0.3 + 0.4) / 2])
    assert made.values.value.tolist() == pytest.approx([0.175 - 0.2, 0.35 - 0.2])


def test_a_window_as_baseline_and_an_offset_of_the_clock(tmp_path):
    rows(tmp_path / "a.parquet", [0.2, 0.2, 0.6, 0.6])
    people = "  - id: A\n    recordings: [{table: a.parquet, offset: 5, markers: [{name: m, time: 2}]}]\n"
    read = small(tmp_path, people, "  event: m\n  window: [-2, 2]\n  bin: 2\n  baseline: [-1, 0]\n")
    assert epochs(read).values.value.tolist() == pytest.approx([0.0, 0.4])


def test_cameras_of_one_event_are_averaged_before_events(tmp_path):
    rows(tmp_path / "one.parquet", [0.2, 0.2])
    rows(tmp_path / "two.parquet", [0.6, 0.6])
    people = "  - id: A\n    recordings: [{table: one.parquet, source: left}, {table: two.parquet, source: right}]\n"
    read = small(tmp_path, people, "  window: [0, 2]\n  bin: 1\n")
    assert epochs(read).values.value.tolist() == pytest.approx([0.4, 0.4])


def test_abstentions_are_left_out_of_means_and_stay_in_the_table(tmp_path):
    rows(tmp_path / "a.parquet", [0.2, 0.2])
    rows(tmp_path / "b.parquet", [0.2, 0.2], status="abstained")
    people = "  - id: A\n    recordings: [{table: a.parquet}]\n  - id: B\n    recordings: [{table: b.parquet}]\n"
    read = small(tmp_path, people, "  window: [0, 2]\n  bin: 1\n")
    result = result_of(read, gathered(read, pytest.fail))
    assert len(result.tidy) == 4 and int((result.tidy.status == "abstained").sum()) == 2
    flow = result.flow.set_index("step")
    assert flow["count"]["rows with an answer"] == 2 and flow.lost["rows with an answer"] == "2 abstained"
    assert flow.lost["participants with values"] == "without: B" and "no usable row around them" in " ".join(
        result.lost.values()
    )


def test_numbers_of_rows_that_were_abstained_from_do_not_count(tmp_path):
    rows(tmp_path / "a.parquet", [0.2, 0.8])
    frame = pd.read_parquet(tmp_path / "a.parquet")
    frame.loc[1, ["status", "reason"]] = ["abstained", "dark"]
    write_frame(frame, tmp_path / "a.parquet")
    read = small(tmp_path, "  - id: A\n    recordings: [{table: a.parquet}]\n", "  window: [0, 2]\n  bin: 2\n")
    assert epochs(read).values.value.tolist() == pytest.approx([0.2])


def test_several_people_in_a_recording_are_never_put_together(tmp_path):
    rows(tmp_path / "a.parquet", [0.2], person=0)
    both = pd.concat([pd.read_parquet(tmp_path / "a.parquet"), pd.read_parquet(tmp_path / "a.parquet").assign(person=1)])
    write_frame(both, tmp_path / "both.parquet")
    people = "  - id: A\n    recordings: [{table: both.parquet}]\n  - id: B\n    recordings: [{table: a.parquet}]\n"
    made = gathered(small(tmp_path, people, "  window: [0, 1]\n"), pytest.fail)
    assert made.planned == 2 and list(made.table.participant) == ["B"]
    assert "2 people are in it (0, 1); say with person: whose values count" in made.lost["A: both.parquet"]
    read = small(tmp_path, people.replace("both.parquet", "both.parquet, person: '1'"), "  window: [0, 1]\n")
    assert sorted(gathered(read, pytest.fail).table.person) == ["0", "1"]


def test_recordings_of_one_table_are_never_put_together(tmp_path):
    for name, value in (("x/a.mp4", 0.2), ("y/a.mp4", 0.6)):
        rows(tmp_path / "part.parquet", [value], file=name)
        (tmp_path / "part.parquet").rename(tmp_path / f"{value}.parquet")
    both = pd.concat([pd.read_parquet(tmp_path / "0.2.parquet"), pd.read_parquet(tmp_path / "0.6.parquet")])
    write_frame(both, tmp_path / "all.parquet")
    people = "".join(f"  - id: {name}\n    recordings: [{{table: all.parquet, file: {name}/a.mp4}}]\n" for name in "xyz")
    people += "  - id: w\n    recordings: [{table: all.parquet}]\n"
    made = gathered(small(tmp_path, people, "  window: [0, 1]\n"), pytest.fail)
    assert dict(zip(made.table.participant, made.table.happiness, strict=True)) == {"x": 0.2, "y": 0.6}
    assert "z/a.mp4 is not in it" in made.lost["z: z/a.mp4"]
    assert "2 recordings are in it (x/a.mp4, y/a.mp4); say with file: which is meant" in made.lost["w: all.parquet"]


def test_faces_that_nobody_names_are_never_put_together(tmp_path):
    text = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,happiness,anger,input,frame,approx_time\n"
    (tmp_path / "fex.csv").write_text(text + "1,1,9,9,.9,.8,.1,v.mp4,0,00:00\n50,1,9,9,.8,.2,.3,v.mp4,0,00:00\n")
    people = "  - id: A\n    recordings: [{table: fex.csv}]\n"
    made = gathered(small(tmp_path, people, "  window: [0, 1]\n"), pytest.fail)
    assert "several faces in one frame, and no column says who is who" in made.lost["A: fex.csv"]


def test_recordings_without_a_source_are_events_of_their_own(tmp_path):
    rows(tmp_path / "one.parquet", [0.2] * 4)
    rows(tmp_path / "two.parquet", [0.8] * 2)
    people = (
        "  - id: A\n    recordings:\n      - {table: one.parquet, markers: [{name: m, time: 0}, {name: m, time: 1}, {name: m, time: 2}]}\n"
        "      - {table: two.parquet, markers: [{name: m, time: 0}]}\n"
    )
    read = small(tmp_path, people, "  event: m\n  window: [0, 1]\n  bin: 1\n")
    assert epochs(read).values.value.tolist() == pytest.approx([(3 * 0.2 + 0.8) / 4])


def test_an_offset_that_cannot_be_and_files_that_are_not_there_are_lost_and_the_rest_goes_on(tmp_path):
    rows(tmp_path / "a.parquet", [0.2, 0.3])
    people = (
        "  - id: A\n    recordings: [{table: a.parquet, offset: 1500}]\n  - id: B\n    recordings: [{file: none.mp4}]\n"
        "  - id: C\n    recordings: [{table: a.parquet, condition: x, person: '0'}]\n"
    )
    people = people.replace("C\n    recordings: [{table: a.parquet", "C\n    recordings: [{table: c.parquet")
    rows(tmp_path / "c.parquet", [0.2, 0.3])
    read = small(tmp_path, people, "  window: [0, 2]\n", more="raters:\n  - {name: Ann, files: [none.eaf]}\n")
    made = gathered(read, pytest.fail)
    assert list(dict.fromkeys(made.table.participant)) == ["C"]
    assert "line 3" in made.lost["A: a.parquet"] and "the offset 1500 s is more than ten times" in made.lost["A: a.parquet"]
    assert "line 5" in made.lost["B: none.mp4"] and "is not there" in made.lost["B: none.mp4"]
    found = check(read)
    assert set(found.problems) == {"A: a.parquet: offset", "B: none.mp4", "rater Ann: none.eaf"}


def test_nothing_that_can_be_read_is_an_error(tmp_path):
    small(tmp_path, "  - id: A\n    recordings: [{file: none.mp4}]\n", "  window: [0, 1]\n")
    with pytest.raises(UsageError, match="no recording of the study could be read"):
        study.run(tmp_path / "study.yaml")


def test_recordings_are_recognised_and_taken_up_again(tmp_path):
    from tests.perception.body.walker import walker, write_bvh

    for name in ("P1_calm", "P2_calm"):
        write_bvh(walker(seconds=3.0), tmp_path / f"{name}.bvh")
    text = (
        "modality: gait\nrecognition: {modalities: [gait]}\nparticipants:\n"
        "  - id: P1\n    recordings: [{file: P1_calm.bvh}]\n  - id: P2\n    recordings: [{file: P2_calm.bvh}]\n"
        "analysis: {measures: [happiness], window: [0, 3], bin: 1, draws: 99}\n"
    )
    (tmp_path / "study.yaml").write_text(text)
    first = study.run(tmp_path / "study.yaml")
    assert set(first.tidy.participant) == {"P1", "P2"} and set(first.tidy.status) <= {"ok", "abstained"}
    assert (tmp_path / "results" / "recognised.parquet").exists()
    seen = []
    study.run(tmp_path / "study.yaml", progress=lambda stage, done, total: seen.append(stage))
    assert not any("gait" in stage for stage in seen)  # nothing was recognised again


# ---- tests over people


def planted(rng, effect, people=12, bins=10, groups=False):
    """Values of people in two conditions, or of two groups, with an effect in the second half."""
    out = []
    for person in range(people):
        own = rng.normal()
        group = "ab"[person % 2] if groups else ""
        for condition in ("x",) if groups else ("x", "y"):
            moved = condition == "y" or group == "b"
            course = own + rng.normal(size=bins) + (effect * (np.arange(bins) >= bins // 2) if moved else 0)
            out += [(f"p{person}", group, condition, "happiness", place, value) for place, value in enumerate(course)]
    from affectlens.study.epochs import KEY, Epochs

    frame = pd.DataFrame(out, columns=[*KEY, "value"])
    return Epochs(frame, frame)


@pytest.mark.parametrize("groups", [False, True])
def test_effects_between_conditions_and_groups(groups):
    from affectlens.study.layout import Analysis

    analysis = Analysis(measures=["happiness"], window=(-5, 5), bin=1, draws=499)
    made = all_tests(planted(np.random.default_rng(0), 4.0, groups=groups), analysis)
    assert made.tests.p_value.item() < 0.05 and made.clusters.p_value.iloc[0] < 0.05
    assert made.tests.difference.item() < 0 and made.clusters.start.iloc[0] == 0.0
    assert made.mixed.iloc[1].p_value < 0.05
    none = all_tests(planted(np.random.default_rng(1), 0.0, groups=groups), analysis)
    assert none.tests.p_value.item() > 0.05


def test_agreement_by_hand():
    ratings = pd.DataFrame({
        "recording": ["a", "a", "b", "b"], "start": [0, 1, 0, 1], "R1": ["x", "y", "x", "y"], "R2": ["x", "y", "x", "y"], MODEL: ["x", "x", "x", ""],
    })  # fmt: skip
    made = agreement(ratings, ["R1", "R2"], 20, 0).set_index("what")
    assert made.value["R1 and R2"] == 1.0 and made.value["raters"] == 1.0
    assert made.value["R1 and affectlens"] == 0.0 and made.moments["R1 and affectlens"] == 3
    assert made.value["the model with raters, minus raters with each other"] == -1.0
