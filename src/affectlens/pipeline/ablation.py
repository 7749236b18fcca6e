"""What each module adds to the fused answer: every subset of the modules of some corpora, scored on held-out people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from affectlens.assets.store import fetch
from affectlens.core.disk.files import make_folder
from affectlens.core.notes import noting
from affectlens.core.options import torch_threads
from affectlens.core.progress import Progress, silent
from affectlens.corpora.account import all_notes
from affectlens.corpora.base import Corpora, corpora_of
from affectlens.evaluation.ablation import Ablation
from affectlens.learning.loop import seeded
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.training.fusion.train import ablation_of, save_ablation


def ablate(
    corpora: Corpora, *, draws: int = 200, seed: int = 0, progress: Progress | None = None, out: str | Path | None = None
) -> Ablation:
    """Every subset of the modules of some corpora under every way of fusing, retrained on folds of people.

    Parameters
    ----------
    corpora : str, list of str or dict
        ``NAME=PATH``, several of them, or a mapping from names to paths: corpora of faces, speech, texts and motion, which are
        paired by class, or one corpus of whole pictures.
    draws : int
        Bootstrap draws, at least 2.
    seed : int
        Of everything random.
    progress : callable, optional
        Takes what is being done, how much of it is done, and how much there is.
    out : path, optional
        Folder for ablation.csv and against.csv; a stopped run there goes on.

    Returns
    -------
    Ablation
        Scores of every subset, and differences with intervals.

    Raises
    ------
    UsageError
        A value that is not allowed, or corpora that cannot be fused. OutputError: ``out`` cannot be written.

    Examples
    --------
    >>> made = ablate(["fer2013=fer2013.csv", "emodb=/corpora/emodb"], draws=1000)  # doctest: +SKIP
    >>> made.over_subsets().mean_recall  # doctest: +SKIP
    """
    recipe = FusionRecipe(seed=seed, draws=draws)
    folder = Path(out) if out is not None else None
    given = corpora_of(corpora)
    if folder is not None:
        make_folder(folder)
    with torch_threads(1), seeded(seed):
        fetch(recipe.assets, progress)
        with noting() as notes:
            made = ablation_of(given, recipe, progress=progress or silent, cache=folder)
        made = replace(made, notes=all_notes(notes))
    if folder is not None:
        save_ablation(made, folder)
    return made
