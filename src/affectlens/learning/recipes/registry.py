"""The registry of trainings: what ``affectlens train`` and ``affectlens.train`` offer, one declaration each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, TypeVar

from affectlens.core.errors import UsageError
from affectlens.core.registry import Late, Registry
from affectlens.core.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class RegisteredTraining:
    """A training as users call it.

    Attributes
    ----------
    name : str
        Its name on the command line and below ``affectlens.train``.
    function : callable
        ``(name of the corpus, its path, out, recipe, progress) -> TrainingRun``, or where it takes several corpora
        ``(dict of name to path, out, recipe, progress) -> TrainingRun``; ``out`` is a folder that is there.
    settings : type of Settings
        Its recipe; the command line makes an option of every field, ``seed`` seeds everything random, and the ``assets`` are
        fetched before the function is called.
    about : str
        One sentence, which is the command's help, and below it what else is to be said.
    several : bool
        Whether it takes several corpora.
    """

    name: str
    function: Callable[..., Any]
    settings: type[Settings]
    about: str
    several: bool = False

    @property
    def help(self) -> str:
        """The first line of what is said about it."""
        return self.about.partition("\n")[0]


TRAININGS: Registry[RegisteredTraining] = Registry("training", "affectlens.learning.recipes")


def declare_training(name: str, settings: type[Settings], function: str, *, about: str, several: bool = False) -> None:
    """Make a training available whose function is imported only when it is called.

    Parameters
    ----------
    name, settings, about, several
        As in ``RegisteredTraining``.
    function : str
        ``module:name``.
    """
    TRAININGS.add(name, RegisteredTraining(name, Late(function), settings, cleandoc(about), several))


def register_training(name: str, settings: type[Settings], *, about: str = "", several: bool = False) -> Callable[[F], F]:
    """Make a training available under ``name``; a decorator.

    Parameters
    ----------
    name, settings, about, several
        As in ``RegisteredTraining``; ``about`` is the function's docstring when absent.

    Returns
    -------
    callable
        Takes the function and gives it back.

    Raises
    ------
    UsageError
        ``settings`` is no class of settings or has no seed, or nothing is said about the training.
    """
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        raise UsageError(
            f"training {name!r}: settings {settings!r}; a subclass of affectlens.core.settings.Settings was expected"
        )
    if "seed" not in settings.__dataclass_fields__:
        raise UsageError(
            f"training {name!r}: {settings.__name__} has no field seed; give it one, affectlens.learning.recipes.fields.seed()"
        )

    def add(function: F) -> F:
        text = cleandoc(about or function.__doc__ or "")
        if not text:
            raise UsageError(f"training {name!r}: give about, or its function a docstring")
        TRAININGS.add(name, RegisteredTraining(name, function, settings, text, several))
        return function

    return add
