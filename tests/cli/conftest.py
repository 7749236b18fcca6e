"""The program called in this process, and one generated corpus of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from affectlens.cli import common
from affectlens.cli.main import main
from tests.cli.generated import everything


@dataclass(frozen=True)
class Called:
    """Exit code and what came on stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys, monkeypatch):
    for console in (common.console, common.errors, common.plain):
        monkeypatch.setattr(console, "_width", 300)

    def called(*arguments: object) -> Called:
        with pytest.raises(SystemExit) as stopped:
            main([str(a) for a in arguments])
        told = capsys.readouterr()
        return Called(int(stopped.value.code or 0), told.out, told.err)

    return called


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> dict[str, Path]:
    return everything(tmp_path_factory.mktemp("generated"))


@pytest.fixture(scope="session")
def named(made) -> dict[str, str]:
    """NAME=PATH of each."""
    return {name: f"{name}={path}" for name, path in made.items()}


@pytest.fixture
def quick_fusion(monkeypatch):
    """The ablation of fusion with few cases and two folds, and networks of its modules that go through their data once.

    For tests that do not ask how good the scores are.
    """
    from affectlens.features import banks
    from affectlens.pipeline import ablation

    monkeypatch.setattr(ablation, "FusionRecipe", partial(ablation.FusionRecipe, epochs=1, cases=128, folds=2))
    for recipe in ("SpeechRecipe", "GaitRecipe", "PostureRecipe"):
        monkeypatch.setattr(banks, recipe, partial(getattr(banks, recipe), epochs=1))


@pytest.fixture
def quick_speech(monkeypatch):
    """The recipe of speech with few draws, and with logistic regression where boosted trees are compared.

    For tests that run it and do not ask for intervals or trees: these two take most of its time on small corpora.
    """
    from affectlens.learning.trainers.speech import logistic
    from affectlens.training.speech import train as speech

    monkeypatch.setattr(speech, "scores", partial(speech.scores, draws=20))
    monkeypatch.setattr("affectlens.learning.trainers.speech._boosting", lambda seed: logistic())
