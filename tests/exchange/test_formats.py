"""Every format keeps to its contract, is read by its own library, reads what that library writes, and names lines of broken files."""

import json

import pandas as pd
import pytest

from affectlens.checks import CheckError, check_exchange
from affectlens.checks.exchange import FILE, sample
from affectlens.cli.options import ANNOTATIONS
from affectlens.core.errors import AffectlensError, LimitError, UsageError
from affectlens.core.limits import Limits, limited
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.registry import FORMATS, chosen, register_format
from affectlens.exchange.transfer import export, import_annotations


@pytest.mark.parametrize("name", FORMATS.names())
def test_every_format_keeps_to_its_contract(name):
    check_exchange(name)


def test_the_help_names_every_format():
    assert [word.strip() for word in ANNOTATIONS.replace(" or ", ", ").split(",")] == FORMATS.names()


def exported(tmp_path, name, annotations=None):
    return export(annotations or sample(), name, tmp_path / f"out{FORMATS.get(name).suffix}")


# ---- the formats' own libraries


def test_elan_as_pympi_reads_and_writes_it(tmp_path):
    elan = pytest.importorskip("pympi.Elan")
    read = elan.Eaf(str(exported(tmp_path, "elan").files[0]))
    assert sorted(read.get_tier_names()) == [
        "face@0/affectlens", "face@1/Ann B.", "face@1/Ann B.~2", "marker", "text@1/affectlens",
    ]  # fmt: skip
    assert read.get_annotation_data_for_tier("face@0/affectlens") == [(0, 1500, "happiness"), (1500, 2250, "sadness")]
    assert read.get_parameters_for_tier("face@1/Ann B.")["PARTICIPANT"] == "1"
    assert read.get_parameters_for_tier("face@1/Ann B.")["ANNOTATOR"] == "Ann B."
    assert [entry[0][0][0] for entry in read.get_cv_entries("face").values()] == ["happiness", "sadness", "ärger", "neutral"]

    assert read.media_descriptors[0]["RELATIVE_MEDIA_URL"] == f"./{FILE}"
    placed = Annotations((Segment("/videos/ü 1.mp4", 0, 1, "joy", "face"),))
    path = exported(tmp_path, "elan", placed).files[0]
    assert elan.Eaf(str(path)).media_descriptors[0]["MEDIA_URL"] == "file:///videos/%C3%BC%201.mp4"
    assert import_annotations(path).files == ("/videos/ü 1.mp4",)

    own = elan.Eaf(author="somebody")
    own.add_linked_file("file:///videos/Gespräch%201.mp4", mimetype="video/mp4")
    own.add_tier("Anna words", part="Anna", ann="R1")
    own.add_linguistic_type("child", "Symbolic_Association", timealignable=False)
    own.add_tier("Anna emotion", "child", parent="Anna words", part="Anna")
    own.add_annotation("Anna words", 100, 900, "hallo")
    own.add_ref_annotation("Anna emotion", "Anna words", 500, "joy")
    own.to_file(str(tmp_path / "own.eaf"))
    made = import_annotations(tmp_path / "own.eaf")
    assert made.files == ("/videos/Gespräch 1.mp4",)
    assert [(one.start, one.end, one.value, *one.track) for one in made.segments] == [
        (0.1, 0.9, "joy", "Anna emotion", "Anna", ""), (0.1, 0.9, "hallo", "Anna words", "Anna", "R1"),
    ]  # fmt: skip


def test_textgrid_as_praatio_reads_and_writes_it(tmp_path):
    textgrid = pytest.importorskip("praatio.textgrid")
    read = textgrid.openTextgrid(str(exported(tmp_path, "textgrid").files[0]), includeEmptyIntervals=False)
    assert [tuple(entry) for entry in read.getTier("face@0/affectlens").entries] == [
        (0, 1.5, "happiness"),
        (1.5, 2.25, "sadness"),
    ]
    assert [tuple(entry) for entry in read.getTier("marker").entries] == [(2.0, "start")]

    own = textgrid.Textgrid()
    own.addTier(textgrid.IntervalTier("phones", [(0.1, 0.25, 'a "b"'), (0.25, 0.5, "ü")], 0, 1))
    own.addTier(textgrid.PointTier("clicks", [(0.75, "x")], 0, 1))
    for form in ("long_textgrid", "short_textgrid"):
        own.save(str(tmp_path / f"{form}.TextGrid"), form, includeBlankSpaces=True)
        made = import_annotations(tmp_path / f"{form}.TextGrid")
        assert [(one.start, one.end, one.value, one.tier) for one in made.segments] == [
            (0.1, 0.25, 'a "b"', "phones"), (0.25, 0.5, "ü", "phones"), (0.75, 0.75, "x", "clicks"),
        ]  # fmt: skip


def test_webvtt_and_srt_as_webvtt_py_reads_and_writes_them(tmp_path):
    webvtt = pytest.importorskip("webvtt")
    read = webvtt.read(str(exported(tmp_path, "webvtt").files[0]), strict=True)
    assert len(read) == 6 and (read[0].start, read[0].end, read[0].text) == ("00:00:00.000", "00:00:01.500", "happiness")
    assert read[0].voice == "face@0/affectlens"
    read = webvtt.from_srt(str(exported(tmp_path, "srt").files[0]))
    assert len(read) == 6 and read[0].text == "[face@0/affectlens] happiness"

    own = webvtt.WebVTT(captions=[
        webvtt.Caption("00:00:01.000", "00:00:02.500", "<v Anna>Hello <i>there</i> &amp; you", identifier="first"),
        webvtt.Caption("01:00:02.000", "01:00:03.000", ["two", "lines"]),
    ], header_comments=["made by hand"])  # fmt: skip
    own.save(str(tmp_path / "own.vtt"))
    own.save_as_srt(str(tmp_path / "own.srt"))
    made = import_annotations(tmp_path / "own.vtt").segments
    assert [(one.start, one.end, one.value, one.person) for one in made] == [
        (1.0, 2.5, "Hello there & you", "Anna"), (3602.0, 3603.0, "two lines", ""),
    ]  # fmt: skip
    assert [one.value for one in import_annotations(tmp_path / "own.srt").segments][1] == "two lines"


def test_audformat_as_its_library_reads_and_writes_it(tmp_path):
    audformat = pytest.importorskip("audformat")
    database = audformat.Database.load(str(exported(tmp_path, "audformat").files[0]))
    frames = [table.df for table in database.tables.values()]
    assert sum(len(frame) for frame in frames) == 6
    first = next(frame for frame in frames if "happiness" in list(frame["value"]))
    assert first.index[0] == (FILE, pd.Timedelta(0), pd.Timedelta(seconds=1.5)) and first.confidence.iloc[0] == 0.75

    own = audformat.Database("own")
    own.schemes["emotion"] = audformat.Scheme("str", labels=["anger", "joy"])
    own.raters["gold"] = audformat.Rater("human")
    own["segments"] = audformat.Table(audformat.segmented_index(["a/b.wav", "c.wav"], [0, "1.25s"], ["2s", pd.NaT]))
    own["segments"]["emotion"] = audformat.Column(scheme_id="emotion", rater_id="gold")
    own["segments"]["emotion"].set(["anger", "joy"])
    own.save(str(tmp_path / "own"), storage_format="csv")
    made = import_annotations(tmp_path / "own", "audformat")
    assert [(one.file, one.start, one.end, one.value, *one.track) for one in made.segments] == [
        ("a/b.wav", 0, 2, "anger", "emotion", "", "gold")
    ]
    assert made.vocabularies == {"emotion": ("anger", "joy")} and "1 labels of whole files" in made.notes[0]


def test_ro_crate_as_its_library_reads_it_and_what_was_changed_is_said(tmp_path):
    rocrate = pytest.importorskip("rocrate.rocrate")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes ü.txt").write_text("kept")
    export(sample(), "ro-crate", tmp_path / "run")
    crate = rocrate.ROCrate(str(tmp_path / "run"))
    names = {entity.get("name") for entity in crate.get_entities() if entity.get("sha256")}
    assert names == {"notes ü.txt", "annotations.csv"}
    action = crate.dereference("#run")
    assert action["instrument"][0].get("name") == "affectlens" and action["object"][0].get("name") == FILE
    assert import_annotations(tmp_path / "run", "ro-crate").notes == ()
    (tmp_path / "run" / "notes ü.txt").write_text("other")
    assert "it was changed" in import_annotations(tmp_path / "run", "ro-crate").notes[0]


# ---- layouts of programs without a library, as these write them


def test_elan_tables_with_and_without_headings(tmp_path):
    bare = "Anna\tP1\t00:00:01.500\t1.5\t1500\t00:00:02.000\t2.0\t2000\t00:00:00.500\t0.5\t500\tjoy\n"
    (tmp_path / "bare.elan.txt").write_text(bare)
    (tmp_path / "short.elan.txt").write_text("Anna\t\t1.500\t2.000\t0.500\tjoy\n")
    headed = "#file:///a.eaf\nBegin Time - msec\tEnd Time - msec\tTier\tAnnotation\n1500\t2000\tAnna\tjoy\n"
    (tmp_path / "headed.elan.txt").write_text(headed)
    for name in ("bare", "short", "headed"):
        one = import_annotations(tmp_path / f"{name}.elan.txt").segments[0]
        assert (one.start, one.end, one.value, one.tier) == (1.5, 2.0, "joy", "Anna"), name


def test_rttm_as_diarisation_tools_write_it(tmp_path):
    (tmp_path / "a.rttm").write_text(
        "SPKR-INFO talk 1 <NA> <NA> <NA> unknown S1 <NA>\nSPEAKER talk 1 1.250 0.500 <NA> <NA> S1 <NA> <NA>\n\n;; a comment\n"
    )
    made = import_annotations(tmp_path / "a.rttm")
    assert [(one.file, one.start, one.end, one.person) for one in made.segments] == [("talk", 1.25, 1.75, "S1")]
    assert made.notes == ("a.rttm: 1 lines are not of the type SPEAKER and are left out",)
    done = exported(tmp_path, "rttm")
    assert any("5 segments of 6 say something else" in text for text in done.lost)
    assert done.files[0].read_text() == "SPEAKER talk_1.mp4 1 0.250 2.875 <NA> <NA> 1 <NA> <NA>\n"


def nova(folder, kind, values, items="", **attributes):
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    folder.mkdir(exist_ok=True)
    (folder / "p1.emotion.ann.annotation").write_text(
        f'<?xml version="1.0" ?>\n<annotation ssi-v="3">\n<info ftype="ASCII" size="2"/>\n<meta role="p1" annotator="ann"/>\n'
        f'<scheme name="emotion" type="{kind}"{more}>{items}</scheme>\n</annotation>\n'
    )
    (folder / "p1.emotion.ann.annotation~").write_text(values)
    return folder


def test_nova_of_every_kind_of_scheme(tmp_path):
    items = '<item name="joy" id="0" color="#FF0000"/><item name="fear" id="1" color="#00FF00"/>'
    made = import_annotations(nova(tmp_path / "a", "DISCRETE", "0.5;1.25;1;0.9\n2;3;-1;1\n2;3;0;\n", items), "nova")
    assert [(one.start, one.end, one.value, one.person, one.rater) for one in made.segments] == [
        (0.5, 1.25, "fear", "p1", "ann"), (2.0, 3.0, "joy", "p1", "ann"),
    ]  # fmt: skip
    assert made.segments[0].confidence == 0.9 and made.vocabularies == {"emotion": ("joy", "fear")}
    assert "1 segments are marked as garbage" in made.notes[0]
    made = import_annotations(nova(tmp_path / "b", "CONTINUOUS", "0.25;1\nNaN;1\n-1;0.5\n", sr="4", min="-1", max="1"), "nova")
    assert [(one.start, one.end, one.value) for one in made.segments] == [(0.0, 0.25, "0.25"), (0.5, 0.75, "-1")]
    assert import_annotations(nova(tmp_path / "c", "FREE", "0;1;hello there;1\n"), "nova").segments[0].value == "hello there"


def test_label_studio_of_people_and_models(tmp_path):
    region = {
        "id": "x",
        "from_name": "emotion",
        "to_name": "audio",
        "type": "labels",
        "value": {"start": 1, "end": 2.5, "labels": ["joy", "calm"]},
    }
    frames = {
        "from_name": "e",
        "type": "timelinelabels",
        "value": {"ranges": [{"start": 26, "end": 50}], "timelinelabels": ["fear"]},
    }
    task = {
        "id": 1,
        "data": {"audio": "/data/upload/a.wav"},
        "annotations": [
            {"completed_by": {"email": "r@x"}, "result": [region, frames]},
            {"was_cancelled": True, "result": [region]},
        ],
        "predictions": [{"model_version": "m1", "result": [{**region, "score": 0.5}]}],
    }
    path = tmp_path / "a.labelstudio.json"
    path.write_text(json.dumps([task]))
    made = import_annotations(path)
    assert [(one.value, one.rater, one.start, one.end) for one in made.segments] == [
        ("joy, calm", "m1", 1.0, 2.5),
        ("joy, calm", "r@x", 1.0, 2.5),
    ]
    assert "1 regions have no times" in made.notes[0] and "1 annotations were cancelled" in made.notes[1]
    path.write_text(json.dumps([{**task, "data": {**task["data"], "fps": 25}}]))
    assert {one.end for one in import_annotations(path).segments if one.value == "fear"} == {2.0}
    done = exported(tmp_path, "label-studio")
    written = json.loads(done.files[0].read_text())[0]
    assert len(written["predictions"][0]["result"]) == 3 and written["predictions"][0]["result"][0]["score"] == 0.75
    assert {one["completed_by"] and one["completed_by"]["email"] for one in written["annotations"]} == {"Ann B.", None}


def test_bids_events_have_their_json_beside_them(tmp_path):
    done = export(sample(), "bids", tmp_path / "sub-01_task-talk_events.tsv")
    about = json.loads((tmp_path / "sub-01_task-talk_events.json").read_text())
    assert set(about["trial_type"]["Levels"]) == {"happiness", "sadness", "ärger", "neutral"}
    assert list(about) == done.files[0].read_text().split("\n")[0].split("\t")
    (tmp_path / "own_events.tsv").write_text("onset\tduration\ttrial_type\tresponse\n1.5\tn/a\tgo\t1\nn/a\t2\tstop\t1\n")
    made = import_annotations(tmp_path / "own_events.tsv")
    assert [(one.start, one.end, one.value) for one in made.segments] == [
        (1.5, 1.5, "go")
    ] and "1 events have no onset" in made.notes[0]


# ---- files that are broken, or meant to harm

EAF = """<ANNOTATION_DOCUMENT>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="{first}"/>
<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="{last}"/></TIME_ORDER>
<TIER TIER_ID="a" LINGUISTIC_TYPE_REF="x"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="{ref}"><ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
</ANNOTATION></TIER></ANNOTATION_DOCUMENT>
"""
BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>"""
OUTSIDE = """<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>"""
GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 1\ntiers? <exists>\nsize = {size}\nitem []:\n'
TIER = '  item [1]:\n    class = "IntervalTier"\n    name = "a"\n    xmin = 0\n    xmax = 1\n    intervals: size = 1\n'
BROKEN = [
    ("a.eaf", EAF.format(first=900, last=100, ref="ts2"), "a.eaf, line 5: the end, 0.1 s, lies before the start, 0.9 s"),
    ("a.eaf", EAF.format(first=0, last=100, ref="ts7"), "line 5: the time slot 'ts7' is not in TIME_ORDER"),
    ("a.eaf", EAF.format(first="x", last=100, ref="ts2"), "line 2: a time slot"),
    ("a.eaf", BOMB, "line 1: a document type, which may hide entities"),
    ("a.eaf", "<a>", "line 1: no element found"),
    ("a.eaf", "<x/>", "line 1: the element x; ANNOTATION_DOCUMENT was expected"),
    ("a.annotation", OUTSIDE, "line 1: a document type, which may hide entities"),
    ("a.srt", "1\n00:00:05,000 --> 00:00:04,000\nx\n", "a.srt, line 2: the end, 4 s, lies before the start, 5 s"),
    ("a.srt", "1\n00:00:99,000 --> 00:01:04,000\nx\n", "line 2: '00:00:99,000' is no time"),
    ("a.srt", "hello\n", "line 1: 'hello'; a number or times were expected"),
    ("a.vtt", "WEBVTT\n\n00:01.000 --> x\n", "line 3: 'x' is no time"),
    ("a.vtt", "1\n00:01.000 --> 00:02.000\n", "line 1: '1'; WEBVTT was expected"),
    ("a.TextGrid", GRID.format(size=1) + TIER + '  intervals [1]:\n      xmin = 0.5\n      xmax = 0.25\n      text = "x"\n', "line 16: the end, 0.25 s, lies before"),
    ("a.TextGrid", GRID.format(size=2_000_000_000) + TIER, "where a number was expected"),
    ("a.TextGrid", GRID.format(size=1) + '"open', "a text that is not closed"),
    ("a.rttm", "SPEAKER a 1 0.5\n", "line 1: 4 fields"),
    ("a.rttm", "SPEAKER a 1 0.5 -1 <NA> <NA> S <NA> <NA>\n", "line 1: the end, -0.5 s, lies before the start"),
    ("a_events.tsv", "onset\tduration\n1\tlong\n", "line 2: onset '1', duration 'long'"),
    ("a_events.tsv", "time\tlength\n1\t2\n", "line 1: time, length; the columns onset and duration were expected"),
    ("a.labelstudio.json", '[{"data": {"audio": "a.wav"}, "annotations": [{"result": [{"value": {"start": 3, "end": 1}}]}]}]', "task 1, region 1: the end"),
    ("a.elan.txt", "Tier\tBegin Time - ss.msec\tEnd Time - ss.msec\tAnnotation\na\t1\tx\tjoy\n", "line 2: could not convert"),
    ("a.elan.txt", "some words\n", "line 1: no two times"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"), BROKEN, ids=[f"{name}-{number}" for number, (name, *_) in enumerate(BROKEN)]
)
def test_broken_files_are_errors_that_name_file_and_line(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(AffectlensError) as error:
        import_annotations(tmp_path / name, "nova" if name.endswith("annotation") else "")
    assert message in str(error.value) and name in str(error.value)


def test_pickles_of_a_database_are_not_read(tmp_path):
    pytest.importorskip("audformat")
    root = exported(tmp_path, "audformat").files[0]
    table = next(root.glob("db.table*.csv"))
    table.with_suffix(".pkl").write_bytes(b"cos\nsystem\n(S'touch hacked'\ntR.")
    table.unlink()
    made = import_annotations(root, "audformat")
    assert "pickles are not read" in made.notes[0] and len(made.segments) < 6


def test_a_file_of_more_than_is_read_of_one_is_refused(tmp_path):
    path = tmp_path / "a.rttm"
    path.write_text("SPEAKER a 1 0.5 1 <NA> <NA> S <NA> <NA>\n" * 50)
    with limited(Limits(items=10)), pytest.raises(LimitError, match="50 items, more than the 10"):
        import_annotations(path)
    with limited(Limits(bytes=100)), pytest.raises(LimitError, match="bytes"):
        import_annotations(path)


def test_a_suffix_that_does_not_tell_the_format_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="give --as, one of audformat, bids"):
        import_annotations(tmp_path / "x.dat")
    assert chosen("", tmp_path / "A.TEXTGRID").name == "textgrid"


# ---- what the contract catches


def _read(path):
    return Annotations(
        tuple(Segment("", 0, 1, line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    )


def test_the_contract_catches_formats_that_do_not_keep_to_it(request):
    @register_format("careless", "", read=_read, suffix=".careless", holds=("value", "tier"))
    def write(annotations, path):
        path.write_text("\n".join(one.value for one in annotations.segments), encoding="utf-8")

    request.addfinalizer(lambda: FORMATS.remove("careless"))
    with pytest.raises(CheckError) as error:
        check_exchange("careless")
    assert {"described", "round_trip", "milliseconds"} <= set(error.value.problems)
