"""Training of the fusion network: every subset under every way of fusing on held-out people, then the weights that ship."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from affectlens.core.disk.cache import kept_arrays
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.errors import UsageError
from affectlens.core.failures import UNREAD as UNREAD_TABLE
from affectlens.core.failures import write_missed
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import CorpusInfo, open_corpus
from affectlens.evaluation.ablation import Ablation, ablate
from affectlens.features.banks import (
    CLASSES,
    Fold,
    Pair,
    banks_as_arrays,
    banks_of_arrays,
    body_banks,
    face_banks,
    voice_banks,
    words_banks,
)
from affectlens.features.speech import speech_table
from affectlens.learning.export import calibrate, export
from affectlens.learning.folds import check_classes
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.trainers.fusion import Bank, pair, pool_threshold, train_fusion
from affectlens.models.base import Calibration, load_model
from affectlens.models.shipped.fusion import EarlyFusionModel
from affectlens.models.weights import weights_path
from affectlens.training.card import Card, interval, table, write_card
from affectlens.training.fusion.joint import joint_banks
from affectlens.training.run import PARTS, TrainingRun, licence_of

ORDER = ("face", "voice", "words", "gait", "posture")
LAYOUT, UNREAD = 2, "unread"  # of kept banks, to be raised where other things are kept; the entry with what was not read
SINGLE = ("face", "words", "gait")  # modalities of which one corpus is taken
SHIPPED = {"voice": "speech"}  # models whose name is not that of their module
# What the features of each modality depend on beside its corpus.
NETWORKS = {"face": ("face",), "words": ("words",), "voice": ("speech",), "gait": ("gait", "posture")}


def banks_for(
    corpora: dict[str, Path],
    progress: Progress = silent,
    cache: Path | None = None,
    missed: dict[str, str] | None = None,
) -> Callable[[Fold], dict[str, Pair]]:
    """What gives the banks of a fold: of unimodal corpora to be paired, or of one corpus of pictures with everything in them.

    With ``cache`` a module's banks of a fold are kept there, by what the corpora hold, the recipes and the weights, so that an
    interrupted run goes on. Items that cannot be read are added to ``missed`` as banks are made.

    Returns
    -------
    callable
        Takes a fold and gives the training and test bank of every module; one that lacks a class is a CorpusError.

    Raises
    ------
    UsageError
        Corpora that cannot be fused.
    """
    unread: dict[str, str] = {} if missed is None else missed
    kinds = {name: open_corpus(name, path).info.modality for name, path in corpora.items()}
    if "scene" in kinds.values():
        if len(kinds) > 1:
            raise UsageError(f"{list(kinds)}: a corpus of whole pictures is used alone; the others would have to be paired")
        name = next(iter(kinds))
        return lambda fold: _checked(joint_banks(name, corpora[name], fold, progress, cache=cache, missed=unread))
    by_kind = {kind: {name: path for name, path in corpora.items() if kinds[name] == kind} for kind in NETWORKS}
    if any(kind not in by_kind for kind in kinds.values()) or any(len(by_kind[kind]) > 1 for kind in SINGLE):
        raise UsageError("one corpus of faces, texts and motion each, and one or more of speech, were expected")
    if sum(bool(chosen) for chosen in by_kind.values()) < 2 and not by_kind["gait"]:
        raise UsageError("nothing to fuse: name corpora of at least two modules")

    def banks(fold: Fold) -> dict[str, Pair]:
        out: dict[str, Pair] = {}
        for kind, chosen in by_kind.items():
            if chosen:
                out |= _banks_of(kind, chosen, fold, progress, cache, unread)
        return _checked({name: out[name] for name in ORDER if name in out})

    return banks


def _checked(banks: dict[str, Pair]) -> dict[str, Pair]:
    for name, pairs in banks.items():
        for bank, side in zip(pairs, ("to learn from", "to test on"), strict=True):
            if bank is not None:
                check_classes(bank.labels, CLASSES, f"{name}, items {side}")
    return banks


def _banks_of(
    kind: str, corpora: dict[str, Path], fold: Fold, progress: Progress, cache: Path | None, missed: dict[str, str]
) -> dict[str, Pair]:
    """The banks of one modality; items that cannot be read are added to ``missed``."""
    name, path = next(iter(corpora.items()))
    speech = speech_table(corpora, progress=progress) if kind == "voice" else None
    if speech is not None:
        missed |= speech.missed

    def make(unread: dict[str, str]) -> dict[str, Pair]:
        if kind == "face":
            return {"face": face_banks(path, fold, name, progress, unread)}
        if kind == "words":
            return {"words": words_banks(path, fold, name, progress, unread)}
        if speech is not None:
            return {"voice": voice_banks(speech, fold, progress)}
        return body_banks(path, fold, name, progress, unread)

    def make_arrays() -> dict[str, np.ndarray]:
        unread: dict[str, str] = {}
        return banks_as_arrays(make(unread)) | {UNREAD: np.array(json.dumps(unread))}

    if cache is None:
        return make(missed)
    content = [name, sha256_of(path)] if speech is None else [speech.features, speech.rows.to_json()]
    recipes = [recipe().to_dict() for recipe in (SpeechRecipe, GaitRecipe, PostureRecipe)]
    weights = [sha256_of(weights_path(network)) for network in NETWORKS[kind]]
    key = key_of(kind, LAYOUT, *content, list(astuple(fold)), recipes, weights)
    arrays = kept_arrays(cache, f"banks-{kind}", key, make_arrays)
    missed |= json.loads(str(arrays.pop(UNREAD)))
    return banks_of_arrays(arrays)


def ablation_of(
    corpora: dict[str, Path], recipe: FusionRecipe, *, progress: Progress = silent, cache: Path | None = None
) -> Ablation:
    """Every subset of the modules of the corpora on held-out people."""
    joint = any(open_corpus(name, path).info.modality == "scene" for name, path in corpora.items())
    missed: dict[str, str] = {}
    banks = banks_for(corpora, progress, cache, missed)
    ablation = ablate(banks, recipe, folds=recipe.folds, draws=recipe.draws, joint=joint, progress=progress)
    return replace(ablation, missed=missed)


def train_fusion_model(corpora: dict[str, Path], out: Path, recipe: FusionRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``fusion.safetensors``, its card, ``ablation.csv`` and ``against.csv``; see ``affectlens.train.fusion``."""
    cache = out / PARTS
    ablation = ablation_of(corpora, recipe, progress=progress, cache=cache)
    save_ablation(ablation, out)
    missed = dict(ablation.missed)
    everyone = banks_for(corpora, progress, cache, missed)(Fold(None, recipe.folds, recipe.seed))
    banks = {name: pair[0] for name, pair in everyone.items()}
    net = train_fusion(banks, len(CLASSES), "early", recipe, ablation.joint)
    infos = [open_corpus(name, path).info for name, path in corpora.items()]
    meta = {
        "labels": list(CLASSES),
        "config": net.config.to_dict(),
        "recipe": recipe.to_dict(),
        "joint": ablation.joint,
        "modules": {name: load_model(SHIPPED.get(name, name)).network_sha256 for name in banks if name in ORDER},
        **licence_of(*infos),
    }
    weights = out / "fusion.safetensors"
    calibration, meta["pool_conformal"] = _calibration(banks, recipe, ablation.joint)
    export(weights, net.state_dict(), meta, calibration)
    card = _card(EarlyFusionModel(weights), weights, ablation, infos)
    return TrainingRun(weights, card, ablation.scores, {"against": ablation.against}, missed)


def _calibration(banks: dict[str, Bank], recipe: FusionRecipe, joint: bool) -> tuple[Calibration, float]:
    """Fitted to a network that learned from half of the groups, on cases of the others with modules missing at random.

    Returns
    -------
    Calibration
        Of the network.
    float
        The conformal threshold of the pool of opinions, on the same cases.
    """
    rng = np.random.default_rng(recipe.seed)
    learn, test = {}, {}
    sides: dict[object, int] = {}
    for name, bank in banks.items():
        side = np.array([sides.setdefault(group, int(rng.integers(2))) for group in bank.groups])
        learn[name], test[name] = bank.take(np.flatnonzero(side == 0)), bank.take(np.flatnonzero(side == 1))
        for half in (learn[name], test[name]):
            check_classes(half.labels, CLASSES, f"{name}, one half of the people to calibrate on")
    net = train_fusion(learn, len(CLASSES), "early", recipe, joint)
    y, rows = pair(test, len(CLASSES), 4000, rng, joint=joint)
    present = rng.random((len(y), len(test))) < recipe.keep
    present[~present.any(1), 0] = True
    with torch.inference_mode():
        deep = {name: torch.from_numpy(bank.deep.astype(np.float32))[rows[name]] for name, bank in test.items()}
        answers = {name: torch.from_numpy(bank.answers)[rows[name]] for name, bank in test.items()}
        logits = net(deep, answers, torch.from_numpy(present)).numpy()
    order = rng.permutation(len(y))
    targets = np.eye(len(CLASSES))[y]
    return calibrate(logits[order], targets[order]), pool_threshold(test, rows, present, targets)


def save_ablation(ablation: Ablation, out: Path) -> None:
    """Write the tables ``ablation.csv`` and ``against.csv``, and ``unread.csv`` where items could not be read."""
    out.mkdir(parents=True, exist_ok=True)
    write_frame(ablation.scores, out / "ablation.csv")
    write_frame(ablation.against, out / "against.csv")
    write_missed(ablation.missed, out / UNREAD_TABLE)


_ABOUT = (
    "Early fusion of deep features of whichever modules are present, after EMERSK (arXiv 2306.08657), whose widths are not "
    "known to us. It begins as the product of the modules' calibrated answers and learns where that is wrong; an absent "
    "module enters no sum."
)
_JOINT = "All modules are of the same people."
_PAIRED = (
    "The corpora hold different people: a case is made of one item of each with the same label (class-matched pairing). "
    "Such items are independent given the class, which those of one person are not, so the scores of several modules "
    "together are more than a recording of one person can give. They compare ways of fusing; they do not predict how well a "
    "person is read. Gait and posture are of the same recordings."
)
_LIMITS = (
    "Trained on items of different people, so it has never met a person whose face and voice say the same thing by nature; "
    "joined answers can be too sure. It knows four classes: where a face or words speak of disgust, fear or surprise, these "
    "keep the share that the pool of opinions gives them. `--fusion pool` fuses late."
)
_WAYS = {
    "early": "early fusion (ships)",
    "gated": "gated fusion",
    "pool": "opinion pool (late)",
    "product": "product of answers (late)",
}


def _card(model: EarlyFusionModel, weights: Path, ablation: Ablation, infos: list[CorpusInfo]) -> Path:
    facts = [
        f"Modules: {', '.join(model.modules)}",
        f"Corpora and licences, which the weights inherit: {'; '.join(f'{info.title}: {info.licence}' for info in infos)}",
    ]
    against = ablation.against[ablation.against.fusion == "early"]
    pool = against[against.against == "pool"]
    single = against[against.question == "all modules against one"]
    sections = {
        "Held-out people": [
            _JOINT if ablation.joint else _PAIRED,
            "",
            f"{model.meta['recipe']['folds']} folds; people (types of motion, test pictures and texts) of a fold are seen "
            f"by no network of it. Chance is {1 / len(model.labels):.2f}. Intervals over people, recordings, pictures and "
            "texts.",
            "",
            *_ways(ablation.scores),
            "",
            *(
                f"- {row.question}: early fusion is {_difference(row)} UAR against the pool, one-sided"
                for row in pool.itertuples()
            ),
        ],
        "Every subset, early fusion": [
            *_subsets(ablation.scores),
            "",
            "All modules together against each alone: "
            + "; ".join(f"{row.against} {_difference(row)}" for row in single.itertuples())
            + ".",
        ],
    }
    card = Card("affectlens fusion", _ABOUT, facts, "fusion --corpus NAME=PATH …", sections, _LIMITS)
    return write_card(card, model, weights)


def _ways(scores: pd.DataFrame) -> list[str]:
    mean = scores.groupby("fusion")[["mean_recall", "calibration_error", "log_loss"]].mean()
    all_modules = scores[scores["size"] == scores["size"].max()].set_index("fusion")
    rows = [
        (
            _WAYS[str(fusion)],
            f"{row.mean_recall:.3f}",
            f"{row.calibration_error:.3f}",
            f"{row.log_loss:.3f}",
            interval(all_modules.mean_recall[fusion], all_modules.low[fusion], all_modules.high[fusion]),
        )
        for fusion, row in mean.iterrows()
    ]
    return table(("way of fusing", "UAR over subsets", "calibration error", "log loss", "UAR, all modules"), rows)


def _subsets(scores: pd.DataFrame) -> list[str]:
    early = scores[scores.fusion == "early"].sort_values(["size", "mean_recall"], ascending=[True, False])
    rows = [
        (row.modules, interval(row.mean_recall, row.low, row.high), f"{row.calibration_error:.3f}")
        for row in early.itertuples()
    ]
    return table(("modules", "UAR", "calibration error"), rows)


def _difference(row: Any) -> str:
    return f"{row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f}), p = {row.p_value:.3f}"
