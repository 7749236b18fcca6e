"""Every wrong value of every option is an error that names the option and says what was expected."""

from dataclasses import fields

import pytest

from affectlens.core.errors import UsageError
from affectlens.core.options import LANGUAGES, Options, torch_device

WRONG = [
    ("modalities", (), "no modality given"),
    ("modalities", ("faces",), "did you mean face"),
    ("language", "xx", "one of"),
    ("language", "english!", "one of"),
    ("device", "gpu", "cuda:N was expected"),
    ("device", "cuda:one", "cuda:N was expected"),
    ("seed", -1, "from 0"),
    ("seed", 1.5, "whole number"),
    ("rate", 0.0, "from 0.1 to 60"),
    ("rate", float("nan"), "from 0.1 to 60"),
    ("rate", "fast", "a number was expected"),
    ("window", 100.0, "from 0.2 to 60"),
    ("cam_method", "gradcam", "did you mean grad-cam"),
    ("faithfulness", -1, "at least 0"),
    ("threads", 0, "from 1 to 256"),
    ("threads", 1.5, "whole number"),
    ("place", "!", "a kind of place"),
    ("when", "yesterday", "a time was expected"),
    ("store", "no/such/folder/usual.db", "is not there"),
    ("prior", "somewhere", "one of findingemo"),
    ("places", "no/such/folder", "no such folder"),
    ("pairs", "no/such/folder", "no such folder"),
    ("background", "no/such/file", "no such file"),
    ("transcript", "no/such/file", "no such file"),
    ("cover", ("ear",), "mouth, eyes, brows, nose, face"),
    ("fusion", "late", "one of early, pool"),
    ("voices", -1, "from 0 to 20"),
    ("model", ("gait=mine.onnx",), "face=MODEL, words=MODEL, voice=MODEL was expected"),
    ("model_scores", "logit", "one of softmax, sigmoid"),
    ("model_preprocess", "function", "module:function was expected"),
]


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_wrong_value_names_its_option(name, value, says):
    with pytest.raises(UsageError, match=says) as caught:
        Options(**{name: value})
    assert str(caught.value).startswith(f"--{name.replace('_', '-')} ")


def test_every_option_but_the_switches_is_checked():
    assert {name for name, *_ in WRONG} == {f.name for f in fields(Options)} - {
        "use_usual",
        "translate",
        "anonymous",
        "keep_words",
    }


def test_what_does_not_go_together():
    with pytest.raises(UsageError, match="--keep-words goes with --anonymous"):
        Options(keep_words=True)
    with pytest.raises(UsageError, match="leave it out with --anonymous"):
        Options(anonymous=True, store="usual.db")
    assert Options(anonymous=True, keep_words=True).anonymous


def test_what_is_usual_has_to_come_from_somewhere():
    with pytest.raises(UsageError, match="--use-usual needs"):
        Options(use_usual=True)
    assert Options(use_usual=True, prior="findingemo").use_usual


@pytest.mark.parametrize("when", ["2024-05-17 14:30", "2024-05-17T14:30:00Z", "2024:05:17 14:30:00", "2024-05-17"])
def test_times_as_they_are_written(when):
    from affectlens.context.place import parse_time

    assert Options(when=when).when == when and parse_time(when).day == 17


def test_languages_are_those_of_the_recogniser():
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(LANGUAGES) == set(tokenizer._LANGUAGE_CODES)


def test_a_device_that_is_not_there():
    assert torch_device("cpu") == "cpu"
    with pytest.raises(UsageError, match="available: auto, cpu"):
        torch_device("cuda:7")
