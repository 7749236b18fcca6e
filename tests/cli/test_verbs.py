"""Every verb of the program, invoked on a generated corpus."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.tree import VERBS
from tests.conftest import asset_path

DECLARED = {}  # tests by the verb that they invoke


def invokes(*verbs):
    """Decorator: the test invokes these verbs, which the fixture ``verb`` holds it to."""

    def mark(test):
        test.invokes = verbs
        for name in verbs:
            DECLARED.setdefault(name, []).append(test.__name__)
        return test

    return mark


@pytest.fixture
def verb(call, request):
    invoked = set()

    def run(*arguments, code=0):
        words = [str(a) for a in arguments]
        invoked.add(next(" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in VERBS))
        done = call(*arguments)
        assert done.code == code, done.err
        assert "Traceback" not in done.err
        return done

    yield run
    declared = set(request.function.invokes)
    skipped = getattr(request.node, "was_skipped", False)
    assert invoked <= declared and (skipped or invoked), f"{request.node.name} invokes {invoked}, and says {declared}"
    assert skipped or hasattr(request.node, "callspec") or invoked == declared


def test_every_verb_has_a_test_that_invokes_it():
    assert set(DECLARED) == set(VERBS)


@pytest.fixture
def need(request):
    """Skip where an asset is not here."""

    def needed(*assets):
        request.node.was_skipped = True
        for name in assets:
            asset_path(name)
        request.node.was_skipped = False

    return needed


@invokes("runs status", "runs retry", "runs clean", "runs merge")
def test_runs(verb, call, tmp_path):
    from affectlens.ledger import FAILED, Item, Ledger, Plan
    from affectlens.pipeline.jobs import ledger_root

    ledger = Ledger(ledger_root(tmp_path))
    ledger.records.plan(Plan("explain", ("a.mp4", "b.mp4")))
    ledger.records.record(Item("a.mp4", FAILED, what="reading", reason="no such file", tries=2))
    told = verb("runs", "status", tmp_path, code=1)
    assert re.search(r"failed +1\b", told.out) and re.search(r"open +1\b", told.out)
    assert "a.mp4: reading: no such file (tried 2 times)" in told.err
    told = verb("runs", "merge", tmp_path, code=1)
    assert "run its shard again" in told.err and (tmp_path / "failures.csv").exists()
    assert verb("runs", "retry", tmp_path).out == "a.mp4\n" and verb("runs", "clean", tmp_path).out == ""
    assert re.search(r"open +2\b", verb("runs", "status", tmp_path).out)
    assert "no run is recorded there" in call("runs", "status", tmp_path / "elsewhere").err


@invokes("assets ls", "assets licences", "corpus ls", "models ls", "models card")
def test_lists(verb):
    for words in (["assets", "ls"], ["assets", "licences"], ["corpus", "ls"], ["models", "ls"], ["models", "card", "face"]):
        assert len(verb(*words).out) > 100
    licences = verb("assets", "licences").out
    for model in ("face", "words", "speech", "voice", "gait", "posture", "fusion"):
        assert re.search(rf"our {model} model +weights trained on .+: .+", licences)


@invokes("assets path", "assets pull", "assets verify")
def test_assets(verb, need, tmp_path, monkeypatch):
    need("findingemo")
    assert Path(verb("assets", "path", "findingemo").out.strip()).exists()
    verb("assets", "pull", "findingemo")
    assert "findingemo: ready" in verb("assets", "verify", "findingemo").out
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path))
    assert "findingemo: missing" in verb("assets", "verify", "findingemo", code=1).out


@invokes("view")
def test_view(verb, tmp_path, monkeypatch):
    pytest.importorskip("uvicorn")
    opened, served = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: served.append(self.config))
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}\n", verb("view", tmp_path, "--no-browser").out)
    named = verb("view", tmp_path, "--no-browser", "--host", "0.0.0.0", "--token", "a-token-that-nobody-guesses").out
    assert named.strip().endswith("/?token=a-token-that-nobody-guesses") and len(served) == 2 and not opened
    assert "in which `explain --out`" in verb("view", tmp_path / "nowhere", code=2).err
    assert "everybody who reaches this machine" in verb("view", tmp_path, "--host", "0.0.0.0", code=2).err


@invokes("doctor")
def test_doctor(verb, tmp_path, monkeypatch):
    text = verb("doctor").out
    for what in ("versions", "extra speech", "video and sound", "pictures", "charts", "GPU", "memory", "cache folder"):
        assert what in text
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "file" / "cache"))
    assert re.search(r"cache folder +broken", verb("doctor", code=1).out)


@invokes("corpus check", "corpus read")
def test_corpus(verb, named, tmp_path):
    checked = verb("corpus", "check", named["folder"]).out
    assert "all: 28 rows" in checked and "everything can be read" in checked
    verb("corpus", "read", named["goemotions"], "--split", "dev", "--out", tmp_path / "t.parquet")
    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 12
    assert verb("corpus", "read", named["goemotions"]).out.count("\n") == 13
    assert len(json.loads(verb("corpus", "read", named["goemotions"], "--format", "json").out)) == 12


@invokes("corpus check")
def test_corpus_with_a_broken_picture(verb, tmp_path):
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "a.png").write_bytes(b"no picture")
    assert "1 items cannot be read" in verb("corpus", "check", f"folder={tmp_path}", code=1).out


@invokes("corpus transcribe")
def test_corpus_transcribe(verb, need, tmp_path):
    import numpy as np

    from tests.conftest import plain_frames, write_video

    need("whisper-base", "yunet", "face-landmarker")
    write_video(tmp_path / "a.mp4", plain_frames(10), audio=np.zeros(16000))
    done = verb("corpus", "transcribe", tmp_path, "--language", "en")
    assert (tmp_path / "utterances.csv").exists() and "utterances.csv" in done.out


@invokes("explain", "recognize", "usual")
def test_explain_recognize_and_usual(verb, need, made, tmp_path):
    need("pose-landmarker", "yunet", "face-landmarker")
    walk, store = made["bandai"] / "dataset-1_walk_happy_001.bvh", tmp_path / "usual.db"
    options = ["--modalities", "gait,posture", "--modalities", "face", "--seed", "1"]
    done = verb("explain", walk, *options, "--out", tmp_path / "out", "--store", store, "--place", "street", "--format", "csv")
    (page,) = (tmp_path / "out").glob("*/report.html")
    assert done.out.strip() == str(page) and "evidence rows" in done.err
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert {"gait", "posture", "fused"} <= set(table.modality)
    again = verb("explain", walk, *options, "--out", tmp_path / "out", "--store", store, "--place", "street", "--resume")
    assert "already done" in again.err
    verb("recognize", walk, *options, "--out", tmp_path / "t.json")
    assert [row["label"] for row in json.loads((tmp_path / "t.json").read_text())] == list(table.label.fillna(""))
    assert verb("recognize", walk, *options).out.startswith("file,start,end,person")
    usual = verb("usual", "--store", store, "--out", tmp_path / "usual")
    assert "place street: 1 person in 1 recording" in usual.out and (tmp_path / "usual" / "averages.csv").exists()


@invokes("evaluate")
@pytest.mark.parametrize(
    ("model", "corpus", "assets"),
    [
        ("face", "fer2013", ()),
        ("words", "csv", ("minilm",)),
        ("speech", "emodb", ()),
        ("gait", "bandai", ()),
        ("posture", "bandai", ()),
    ],
)
def test_evaluate(verb, need, named, tmp_path, model, corpus, assets):
    need(*assets)
    more = ["--split", "all"] if corpus == "csv" else []
    done = verb("evaluate", model, "--corpus", named[corpus], "--draws", 20, "--out", tmp_path, *more)
    assert "accuracy" in done.out and f"{model} on {corpus}" in done.err
    assert {"scores.json", "confusion.csv", "groups.csv", "missed.csv"} <= {path.name for path in tmp_path.iterdir()}


@invokes("evaluate")
@pytest.mark.usefixtures("quick_fusion")
def test_ablation_says_what_its_function_says(verb, need, named, tmp_path):
    import affectlens

    need("minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0")
    corpora = [named["fer2013"], named["emodb"]]
    given = [word for corpus in corpora for word in ("--corpus", corpus)]
    done = verb("evaluate", "fusion", "--ablate", *given, "--draws", 5, "--out", tmp_path)
    made = affectlens.ablate(corpora, draws=5)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "ablation.csv"), made.to_frame(), check_exact=False)
    assert set(made.findings()) <= set(done.out.splitlines())
    mean = made.scores[made.scores.fusion == "early"].mean_recall.mean()
    assert abs(made.over_subsets().mean_recall["early"] - mean) < 1e-12
    assert f"early, mean over subsets: UAR {mean:.3f}" in done.out and "class-matched" in done.out


@invokes("audit latent")
def test_audit_latent(verb, named, tmp_path):
    done = verb("audit", "latent", "--corpus", named["emodb"], "--seeds", 1, "--draws", 19, "--epochs", 2, "--out", tmp_path)
    assert "clusters" in done.out and (tmp_path / "audit.html").exists()


@invokes("audit features")
def test_audit_features(verb, named, tmp_path):
    done = verb("audit", "features", "--corpus", named["emodb"], "--model", "logistic", "--out", tmp_path)
    assert (tmp_path / "audit.html").exists() and len(done.out.splitlines()) > 3


@invokes("audit objects")
def test_audit_objects(verb, need, made, tmp_path):
    need("yunet", "face-landmarker")
    more = ["--methods", "grad-cam", "--effects", 0, "--sample", 8]
    # In some of the drawn pictures no face is found.
    done = verb("audit", "objects", "--corpus", f"folder={made['folder']}", *more, "--out", tmp_path, "--split", "all", code=1)
    assert done.out and "no face found" in done.err


@invokes("audit properties")
def test_audit_properties(verb, named, tmp_path):
    done = verb(
        "audit", "properties", "--model", "speech", "--corpus", named["emodb"], "--interventions", "none", "--out", tmp_path
    )
    assert done.out


@invokes("train bclstm", "audit concepts")
def test_train_bclstm_and_audit_concepts(verb, named, tmp_path):
    weights = tmp_path / "run" / "bclstm.safetensors"
    train = ["--modalities", "text", "--epochs", 2, "--seeds", 1, "--out", weights.parent]
    assert str(weights) in verb("train", "bclstm", "--corpus", named["feature-pickle"], *train).out
    assert "dialogue" in verb("audit", "concepts", "--list").out
    more = ["--query", "long=text.str.len() > 15", "--draws", 19, "--pool", 100, "--bootstraps", 5]
    done = verb("audit", "concepts", "--model", weights, "--corpus", named["feature-pickle"], *more, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "audit.html").exists() and done.out


TRAINED = [
    ("face", ["fer2013"], [], ()),
    ("words", ["goemotions"], [], ("minilm",)),
    ("speech", ["emodb", "ravdess"], ["--seeds", "1"], ()),
    ("voice", ["emodb", "ravdess"], [], ("whisper-base",)),
    ("speakers", ["emodb", "ravdess"], ["--conversations", "10", "--directions", "4"], ("voice-encoder",)),
    ("gait", ["bandai"], ["--seeds", "1"], ()),
    ("posture", ["bandai"], ["--seeds", "1"], ()),
    ("background", ["folder"], [], ("efficientdet-lite0",)),
    (
        "fusion",
        ["fer2013", "emodb"],
        ["--draws", "5", "--cases", "256"],
        ("minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0"),
    ),
]


@invokes(*(f"train {name}" for name, *_ in TRAINED))
@pytest.mark.parametrize(("name", "corpora", "more", "assets"), TRAINED)
def test_train(verb, need, named, tmp_path, name, corpora, more, assets):
    need(*assets)
    given = [word for corpus in corpora for word in ("--corpus", named[corpus])]
    epochs = [] if name == "speakers" else ["--epochs", 1]  # it is fitted at once
    done = verb("train", name, *given, *epochs, "--out", tmp_path, *more)
    assert str(tmp_path / f"{name}.safetensors") in done.out and (tmp_path / f"{name}.safetensors").exists()
