"""A study file that is wrong says so with its lines; one that is right is read as it stands."""

import pytest

from affectlens.core.errors import UsageError
from affectlens.study import init, read_study
from affectlens.study.layout import Analysis

GOOD = """title: Films
participants:
  - id: P1
    group: a
    recordings:
      - {table: p1.txt, condition: calm, stimulus: film, stimulus_start: 2}
  - id: 7
    recordings:
      - {file: p2.mp4, offset: -1.5}
stimuli:
  - {name: film, duration: 10, markers: [{name: scene, time: 4}]}
raters:
  - {name: Ann, files: [a.eaf]}
exclusions:
  - {participant: "7", reason: left}
analysis:
  event: scene
  window: [-1, 3]
  bin: 0.5
"""


def written(tmp_path, text):
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_study_is_read_as_it_stands(tmp_path):
    study = read_study(written(tmp_path, GOOD))
    assert [one.id for one in study.participants] == ["P1", "7"] and study.participants[1].recordings[0].offset == -1.5
    assert study.analysis.bins == [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0] and study.analysis.tested == (0.0, 3.0)
    assert study.where("participants", 1, "recordings", 0).endswith("study.yaml, line 9")
    assert Analysis(window=(-2, 4), test=(1, 2)).tested == (1, 2)


WRONG = [
    ("id: 7", "id: P1", "line 7: the participant 'P1' stands at", "line 3 already"),
    ("p2.mp4, offset: -1.5", "p1.txt", "line 9: p1.txt is of 7 here and of P1 at", "one recording is of one participant"),
    ("offset: -1.5", "offset: 1e9", "line 9: participants.1.recordings.0.offset", "less than or equal to 86400"),
    ("offset: -1.5", "offset: .nan", "line 9: participants.1.recordings.0.offset", "finite"),
    ("{name: Ann, files: [a.eaf]}", "{name: Ann, files: [a.eaf]}\n  - {name: Ann, files: [b.eaf]}", "line 14: the rater 'Ann' stands at", "line 13 already"),
    ("stimulus: film,", "stimulus: movie,", "line 6: the stimulus 'movie' is not among the stimuli (film)", ""),
    ("time: 4}", "time: 14}", "line 11: stimuli.0: the marker scene at 14 s lies outside of the stimulus, which is 10", ""),
    ('participant: "7"', "participant: P9", "line 15: 'P9' is no participant", ""),
    ("event: scene", "event: scream", "line 16: no marker is named 'scream'; there are scene", ""),
    ("window: [-1, 3]", "window: [3, -1]", "line 18: analysis.window: the end, -1 s, does not lie after the start, 3 s", ""),
    ("window: [-1, 3]", "window: [-1, 3]\n  test: [0, 9]", "line 16: test 0 to 9 s does not lie in the window", ""),
    ("bin: 0.5", "bin: 0", "line 19: analysis.bin: 0 was given: input should be greater than 0", ""),
    ("bin: 0.5", "bins: 0.5", "line 19: analysis.bins is not known", ""),
    ("  - id: P1\n", "  - group: x\n", "participants.0", "stands at line 3 already"),
    ("{file: p2.mp4, offset: -1.5}", "{condition: x}", "line 9: participants.1.recordings.0: give file, a recording, or table", ""),
    ("title: Films", "title: Films\ntitle: Other", "line 2: title stands at line 1 already", ""),
    ("title: Films", "title: &a Films\nmodality: *a", "line 2: an alias (*a); write it out", ""),
    ("title: Films", "title: [" * 30, "more than 20 levels inside each other", ""),
    ("title: Films", "title: 'open", "cannot be read as a study file", "line"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told", "more"), WRONG, ids=[new[:20] for _, new, *_ in WRONG])
def test_what_is_wrong_is_told_with_its_line(tmp_path, old, new, told, more):
    assert old in GOOD
    with pytest.raises(UsageError) as error:
        read_study(written(tmp_path, GOOD.replace(old, new, 1)))
    assert told in str(error.value) and more in str(error.value), str(error.value)


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    text = GOOD.replace("bin: 0.5", "bin: -1").replace("offset: -1.5", "offset: x")
    with pytest.raises(UsageError) as error:
        read_study(written(tmp_path, text))
    assert len(str(error.value).splitlines()) == 2


def test_nothing_and_a_list_are_no_study(tmp_path):
    for text in ("", "- a\n"):
        with pytest.raises(UsageError, match="a study with participants was expected"):
            read_study(written(tmp_path, text))


def test_init_writes_a_file_that_is_read(tmp_path):
    from tests.perception.body.walker import walker, write_bvh

    (tmp_path / "clips").mkdir()
    for name in ("P1_calm", "P1_stirring", "P2_calm"):
        write_bvh(walker(seconds=0.2), tmp_path / "clips" / f"{name}.bvh")
    made = init(tmp_path / "clips", tmp_path / "study.yaml")
    study = read_study(made)
    assert [(one.id, [entry.condition for entry in one.recordings]) for one in study.participants] == [
        ("P1", ["calm", "stirring"]), ("P2", ["calm"]),
    ]  # fmt: skip
    assert all(study.place(entry.file).exists() for one in study.participants for entry in one.recordings)
    with pytest.raises(Exception, match="is there already"):
        init(tmp_path / "clips", made)
