"""Training, one function a model; each trains, scores, calibrates, and writes weights with their card.

The functions are those of the registry of trainings, also of ones that other files and packages add. ``settings`` is the
recipe, a frozen dataclass whose fields have help and bounds; any field may also be given by its name. A value that is not
allowed is an error before work begins. For the same seed the same weights come out, and the global random state of the
process is left as it was. All functions are called alike:
``train.NAME(corpora, out, *, threads=1, progress=None, settings=None, **fields)``.

Parameters
----------
corpora : str, list of str or dict
    Corpora as ``NAME=PATH``, or a mapping from their names to their paths.
out : str or Path
    A folder for weights, card, scores, and what a stopped run goes on from.
threads : int
    Threads of torch, for as long as it takes.
progress : Progress, optional
    Called with what is being done, how much of it is done, and how much there is.
settings : Settings, optional
    The recipe; the shipped one by default.
**fields
    Fields of the recipe that are to differ.

Returns
-------
TrainingRun
    Weights, card and scores.

Raises
------
UsageError
    A setting, or a corpus of another kind.
CorpusError
    A corpus that holds too little.

Examples
--------
>>> from affectlens import train
>>> dir(train)
['background', 'bclstm', 'face', 'fusion', 'gait', 'posture', 'speakers', 'speech', 'voice', 'words']
>>> train.speech("emodb=/corpora/emodb", "runs/speech", epochs=0)
Traceback (most recent call last):
...
affectlens.core.errors.UsageError: --epochs 0: a number of at least 1 was expected
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from affectlens.core.environment.extras import helpful
from affectlens.core.settings import shows_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from affectlens.core.progress import Progress
    from affectlens.core.settings import Settings
    from affectlens.corpora.base import Corpora
    from affectlens.learning.recipes.registry import RegisteredTraining
    from affectlens.training.run import TrainingRun
    from affectlens.typed.trainings import *  # noqa: F403  what type checkers know of the functions that _load makes

RETURNS = """

Returns
-------
TrainingRun
    Weights, card and scores.
"""


def _load(name: str) -> Callable[..., TrainingRun]:
    """The function of a training, made when it is asked for."""
    if name.startswith("_"):
        raise AttributeError(name)
    from affectlens.learning.recipes.registry import TRAININGS

    with helpful():
        if name not in TRAININGS:
            raise AttributeError(f"there is no training {name!r}; there are {', '.join(TRAININGS)}")
        entry = TRAININGS.get(name)

    @shows_fields(entry.settings)
    def function(
        corpora: Corpora,
        out: str | Path,
        *,
        threads: int = 1,
        progress: Progress | None = None,
        settings: Settings | None = None,
        **fields: Any,
    ) -> TrainingRun:
        return _train(entry, corpora, out, threads, progress, settings, fields)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = entry.about + RETURNS
    return function


if not TYPE_CHECKING:  # type checkers know the trainings of this package from above
    __getattr__ = _load


def __dir__() -> list[str]:
    from affectlens.learning.recipes.registry import TRAININGS

    return TRAININGS.names()


def _train(
    entry: RegisteredTraining,
    corpora: Corpora,
    out: str | Path,
    threads: int,
    progress: Progress | None,
    settings: Settings | None,
    fields: Mapping[str, Any],
) -> TrainingRun:
    """Train with one corpus or several, the folder and the recipe, after all of them were checked."""
    from affectlens.assets.store import fetch
    from affectlens.core.disk.locks import alone_in
    from affectlens.core.failures import UNREAD, write_missed
    from affectlens.core.notes import noting
    from affectlens.core.options import torch_threads
    from affectlens.core.progress import silent
    from affectlens.core.settings import with_fields
    from affectlens.corpora.account import all_notes
    from affectlens.corpora.base import corpora_of
    from affectlens.learning.loop import seeded
    from affectlens.training.run import folder_of, one_corpus

    recipe: Any = with_fields(entry.settings, settings, fields)
    given = (corpora_of(corpora),) if entry.several else one_corpus(corpora)
    with helpful(), torch_threads(threads), seeded(recipe.seed):  # making a network to load weights into draws numbers too
        folder = folder_of(out)
        with alone_in(folder / ".lock", str(folder)):
            fetch(recipe.assets, progress)
            with noting() as notes:
                made: TrainingRun = entry.function(*given, folder, recipe, progress or silent)
            write_missed(made.missed, folder / UNREAD)
            return replace(made, notes=all_notes(notes))
