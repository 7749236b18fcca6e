"""Every option of every verb with a wrong value: exit code 2, one message, no traceback, nothing written."""

import re

import pytest

from tests.cli.tree import NEEDS, VERBS, options

# A wrong value that its type alone does not tell, by flag; {file} is a file where a folder would have to be.
WRONG = {
    "--corpus": "no corpus", "--config": "{file}/c.toml", "--out": "{file}/below", "--format": "xls", "--store": "{file}/below",
    "--modalities": "smell", "--language": "xx", "--device": "gpu", "--cam-method": "gradcam", "--place": "!",
    "--when": "yesterday", "--prior": "somewhere", "--places": "/no/folder", "--pairs": "/no/folder",
    "--background": "/no/file", "--fusion": "late", "--split": "no-split", "--weights": "/no/file", "--model": "no-model",
    "--layer": "no-layer", "--objects": "/no/file", "--scores": "logit", "--preprocess": "no-function", "--overlaps": "both", "--labels": "/no/file", "--target": "truth",
    "--methods": "gradcam", "--preset": "loose", "--truth": "/no/file", "--join": "/no/folder", "--predictions": "/no/file",
    "--table": "/no/file", "--only": "beauty", "--interventions": "magic", "--kind": "sparse", "--concepts": "beauty",
    "--query": "long", "--examples": "/no/folder", "--against": "smile", "--norms": "/no/file", "--units": "/no/file",
    "--limit": "pixels=many", "--layers": "no-layer", "--method": "guess", "--step": "every", "--start": "/no/file", "--zooms": "0",
    "--model-scores": "logit", "--model-preprocess": "no-function", "--people": "(", "--votes": "/no/file", "--answers": "/no/file",
    "--unseen": "no corpus", "--precision": "half", "--plugin": "no_such_module", "--shard": "9/3", "--on": "slurm", "--journal": "{file}/below",
    "--transcript": "/no/file", "--cover": "ear", "--host": "no host!", "--token": "two words",
}  # fmt: skip


def wrong(flag, parameter):
    """Wrong values of an option: of its type, and out of its bounds."""
    hint = str(parameter.type_descriptor.annotation)
    if flag in WRONG:
        return [WRONG[flag]]
    return ["many", "-5"] if "int" in hint else ["fast", "-5"] if "float" in hint else ["{unknown}"]


CASES = [
    (verb, flag, value)
    for verb, command in VERBS.items()
    for flag, parameter in options(command).items()
    if not getattr(parameter, "is_flag", False) and flag not in ("--help", "--install-completion", "--show-completion")
    for value in wrong(flag, parameter)
]
# Not wrong by themselves, or told only once the corpus or the model was opened by the verb's own work.
LATE = {("evaluate", "--model"), ("train bclstm", "--modalities")}


@pytest.mark.parametrize(("verb", "flag", "value"), CASES)
def test_a_wrong_value_is_one_message(call, made, tmp_path, monkeypatch, verb, flag, value):
    if (verb, flag) in LATE:
        pytest.skip("told with the corpus")
    assert value != "{unknown}", f"give a wrong value of {flag}"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("affectlens.assets.store.pull", lambda *_: None)
    (tmp_path / "file").write_text("")
    (tmp_path / "store").write_text("")
    places = {**made, "file": tmp_path / "file", "store": tmp_path / "store"}
    given = [re.sub(r"\{([\w-]+)\}", lambda match: str(places[match[1]]), word) for word in (*NEEDS.get(verb, []), flag, value)]
    done = call(*verb.split(), *given)
    assert done.code == 2, (done.out, done.err)
    assert "Traceback" not in done.err and done.out == ""
    assert len(re.findall(r"error\b", done.err, flags=re.IGNORECASE)) == 1, done.err
    assert {path.name for path in tmp_path.iterdir()} <= {"file", "store", "cache"}


def test_verbs_that_need_something_say_so(call):
    for words in (
        ["explain"],
        ["evaluate", "face"],
        ["train", "face"],
        ["audit", "latent"],
        ["corpus", "check"],
        ["models", "card"],
    ):
        done = call(*words)
        assert done.code == 2 and "Missing" in done.err and "Traceback" not in done.err
