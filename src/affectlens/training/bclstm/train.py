"""Training of the contextual LSTM on a corpus's own split, with several seeds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.disk.files import key_of, write_whole
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import CorpusError
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import CorpusInfo
from affectlens.corpora.dialogues.base import DialogueCorpus, DialogueSet, joined, open_dialogues
from affectlens.features.utterances import measured
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes.bclstm import BcLstmRecipe
from affectlens.learning.trainers.bclstm import Packed, fit, pack, predict, scale_of
from affectlens.models.nets.bclstm import BcLstmConfig
from affectlens.models.shipped.bclstm import BcLstmModel, meta_of
from affectlens.stats.classification import accuracy, confusion, macro_f1, unweighted_recall
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import bootstrap
from affectlens.training.bclstm.carry_over import CarryOver, carry_over
from affectlens.training.card import Card, table, write_card
from affectlens.training.run import PARTS, TrainingRun, licence_of


@dataclass(frozen=True)
class Fold:
    """A training part, the dialogues of it that choose the epochs (or None), and the test part."""

    name: str
    train: DialogueSet
    held_out: np.ndarray | None
    test: DialogueSet


def folds_of(corpus: DialogueCorpus, modalities: tuple[str, ...], progress: Progress = silent) -> list[Fold]:
    """The corpus's own split: train and test (with dev where there is one), or one session of IEMOCAP against the others."""
    splits = corpus.info.splits

    def ready(name: str) -> DialogueSet:
        data = corpus.dialogues(name)
        chosen = modalities or tuple(data.features) or ("text",)
        return measured(data, chosen, progress)

    sessions = [split for split in splits if split.startswith("session")]
    if len(sessions) > 1:
        everything = ready("six" if len(corpus.scheme.labels) == 6 else "four")
        part = everything.rows.session.str.lower().to_numpy()
        return [Fold(session, everything.take(part != session), None, everything.take(part == session)) for session in sessions]
    if "train" not in splits or "test" not in splits:
        raise CorpusError(f"{corpus.info.name} has the splits {', '.join(splits)}; training needs train and test (or sessions)")
    train, test = ready("train"), ready("test")
    if "dev" not in splits:
        return [Fold("test", train, None, test)]
    dev = ready("dev")
    both = joined(train, dev)
    names = list(dict.fromkeys(both.dialogues))
    return [Fold("test", both, np.array([i for i, name in enumerate(names) if name in set(dev.dialogues)]), test)]


def train_bclstm_model(name: str, path: Path, out: Path, recipe: BcLstmRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``bclstm.safetensors`` (first fold, first seed), its card and scores; see ``affectlens.train.bclstm``."""
    source = open_dialogues(name, path)
    folds = folds_of(source, recipe.modalities, progress)
    carried = [carry_over(fold.train, fold.test.features) if recipe.target else {} for fold in folds]
    predictions, files = [], []
    for fold, shares in zip(folds, carried, strict=True):
        scale = scale_of(fold.train)
        train, test = pack(fold.train, scale, recipe.limit), pack(fold.test, scale, recipe.limit)
        config = config_of(fold.train, shares, recipe.speakers)
        for seed in range(recipe.seed, recipe.seed + recipe.seeds):
            file = _trained(fold, train, scale, config, replace(recipe, seed=seed), source, out / PARTS, progress)
            model = BcLstmModel(file)
            predictions.append(_predictions(fold, seed, predict(model.net, test), int(model.meta["epochs"])))
            files.append(file)
    all_predictions = pd.concat(predictions, ignore_index=True)
    write_whole(out / "predictions.parquet", all_predictions.to_parquet)
    scores = score(all_predictions, folds[0].train.classes, np.random.default_rng(recipe.seed))
    write_frame(scores, out / "scores.csv")
    weights = write_whole(out / "bclstm.safetensors", lambda partial: partial.write_bytes(files[0].read_bytes()))
    card = _card(BcLstmModel(weights), weights, source.info, scores, carried[0], folds)
    shares_frame = pd.DataFrame(
        [{"modality": modality, **asdict(estimate), "swap": estimate.swap} for modality, estimate in carried[0].items()]
    )
    unread = {path: reason for fold in folds for path, reason in (fold.train.unread | fold.test.unread).items()}
    return TrainingRun(weights, card, scores, {"carry_over": shares_frame}, unread)


def _trained(
    fold: Fold,
    train: Packed,
    scale: dict[str, tuple[np.ndarray, np.ndarray]],
    config: BcLstmConfig,
    recipe: BcLstmRecipe,
    source: DialogueCorpus,
    folder: Path,
    progress: Progress,
) -> Path:
    """The weights of one fold and seed, from an interrupted run where it made them."""
    data = fold.train
    content = [*data.features.values(), data.labels, list(data.dialogues), list(data.speakers), list(data.features)]
    held_out = [] if fold.held_out is None else fold.held_out.tolist()
    key = key_of(*content, held_out, recipe.to_dict(), config.to_dict(), package_version())
    file = folder / f"{fold.name}-{recipe.seed}-{key}.safetensors"
    if file.exists():
        return file
    stage = f"{fold.name}, seed {recipe.seed}"
    net, epochs = fit(train, config, recipe, lambda _, done, total: progress(stage, done, total), fold.held_out)
    labelled = data.labels >= 0
    logits, targets = predict(net, train)[labelled], np.eye(config.classes)[data.labels[labelled]]
    info = source.info
    meta = meta_of(net, data.classes, scale, recipe.to_dict(), info.title, info.licence)
    meta |= {"epochs": epochs, **licence_of(info)}
    export(file, net.state_dict(), meta, calibrate(logits, targets))
    return file


def config_of(data: DialogueSet, carried: dict[str, CarryOver], speakers: bool) -> BcLstmConfig:
    """The shape of the network for these features, and the rates at which features of each modality are swapped."""
    widths = {modality: values.shape[1] for modality, values in data.features.items()}
    swap = {modality: estimate.swap for modality, estimate in carried.items()} or dict.fromkeys(widths, 0.1)
    # The modality that is expected to do best elsewhere is corrected by the others, never drowned.
    anchor = max(carried, key=lambda modality: carried[modality].expected) if carried else next(iter(widths))
    return BcLstmConfig(widths, len(data.classes), anchor=anchor if len(widths) > 1 else "", speakers=speakers, swap=swap)


def _predictions(fold: Fold, seed: int, logits: np.ndarray, epochs: int) -> pd.DataFrame:
    labelled = fold.test.labels >= 0
    return pd.DataFrame(
        {
            "fold": fold.name,
            "seed": seed,
            "epochs": epochs,
            "key": fold.test.rows.key[labelled],
            "dialogue": fold.test.dialogues[labelled],
            "truth": fold.test.labels[labelled],
            "answer": logits[labelled].argmax(axis=1),
        }
    )


def score(predictions: pd.DataFrame, classes: tuple[str, ...], rng: Rng) -> pd.DataFrame:
    """Accuracy, mean recall, macro and weighted F1.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Columns fold, seed, epochs, key, dialogue, truth and answer.
    classes : tuple of str
        What is told apart.
    rng : int or numpy.random.Generator
        Draws the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a fold and seed, then the mean over seeds with the interval of accuracy over dialogues, and the deviation.
    """
    rng = generator(rng)
    rows = []
    for (fold, seed), part in predictions.groupby(["fold", "seed"]):
        rows.append({"fold": fold, "seed": str(seed), "epochs": part.epochs.iloc[0], **_scores(part, len(classes))})
    frame = pd.DataFrame(rows)
    named = [column for column in frame if column not in ("fold", "seed", "epochs")]
    # Each seed over all folds; seeds are not independent observations of anything but the training's chance.
    by_seed = pd.DataFrame([_scores(of_seed, len(classes)) for _, of_seed in predictions.groupby("seed")])
    right = (predictions.truth == predictions.answer).to_numpy()
    order = predictions.groupby("key", sort=False).indices
    mean_right = np.array([right[i].mean() for i in order.values()])
    groups = np.array([predictions.dialogue.iloc[i[0]] for i in order.values()])
    estimate = bootstrap(lambda chosen: float(mean_right[chosen].mean()), len(mean_right), rng, groups=groups)
    return pd.concat(
        [
            frame,
            pd.DataFrame(
                [{"fold": "all", "seed": "mean", **by_seed[named].mean(), "low": estimate.low, "high": estimate.high}]
            ),
            pd.DataFrame([{"fold": "all", "seed": "deviation", **by_seed[named].std(ddof=0)}]),
        ],
        ignore_index=True,
    )


def _scores(part: pd.DataFrame, classes: int) -> dict[str, float]:
    table = confusion(part.truth.to_numpy(), part.answer.to_numpy(), classes)
    hits = np.diag(table)
    f1 = 2 * hits / np.maximum(table.sum(axis=0)[:classes] + table.sum(axis=1), 1)
    weighted = float((f1 * table.sum(axis=1)).sum() / table.sum())
    return {
        "accuracy": accuracy(table),
        "mean_recall": unweighted_recall(table),
        "macro_f1": macro_f1(table),
        "weighted_f1": weighted,
    }


_ABOUT = "A bidirectional contextual LSTM over the utterances of a dialogue, after Poria et al. (ACL 2017), with our training."
_LIMITS = (
    "The network knows one corpus: its people, its situations, its features. Its calibration was fitted on training "
    "dialogues and is too sure where features do not carry over."
)


def _card(
    model: BcLstmModel, weights: Path, info: CorpusInfo, scores: pd.DataFrame, carried: dict[str, CarryOver], folds: list[Fold]
) -> Path:
    mean, spread = (scores[scores.seed == name].iloc[0] for name in ("mean", "deviation"))
    config = model.net.config
    parts = ", ".join(f"{fold.name}: {len(fold.train)} utterances to train, {len(fold.test)} to test" for fold in folds)
    facts = [
        f"Reads: {', '.join(f'{modality} ({width})' for modality, width in config.widths.items())}"
        + ("; speaker-aware" if config.speakers else ""),
        f"Corpus: {info.title}; licence: {info.licence} ({info.home}). The weights inherit it",
        f"Parts: {parts}; no dialogue in both",
    ]
    rows = [("accuracy", f"{mean.accuracy:.4f} [{mean.low:.3f}, {mean.high:.3f}]", f"{spread.accuracy:.4f}")]
    names = {"mean_recall": "UAR", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}
    rows += [(shown, f"{mean[name]:.4f}", f"{spread[name]:.4f}") for name, shown in names.items()]
    sections = {
        "Scores on the test part": [
            f"Mean and deviation over {model.meta['recipe']['seeds']} seeds; the interval of accuracy is over dialogues. "
            f"Epochs chosen on held-out dialogues: {', '.join(str(int(epoch)) for epoch in scores.epochs.dropna())}.",
            "",
            *table(("score", "mean", "deviation"), rows),
        ],
        "How far features carry over": _carried(config, carried),
    }
    return write_card(Card("contextual LSTM", _ABOUT, facts, "bclstm --corpus NAME=PATH", sections, _LIMITS), model, weights)


def _carried(config: BcLstmConfig, carried: dict[str, CarryOver]) -> list[str]:
    if not carried:
        return [f"Not estimated; features were swapped at a rate of {next(iter(config.swap.values()))}."]
    rows = [
        (modality, f"{estimate.held_out:.3f}", f"{estimate.expected:.3f}", f"{config.swap[modality]:.2f}")
        for modality, estimate in carried.items()
    ]
    return [
        "Estimated without labels of the test part, but from its features (transductive): accuracy of a linear probe on "
        "held-out training dialogues, the one to expect on the test part (average thresholded confidence, Garg et al. "
        "2022), and the rate at which features were swapped in training.",
        "",
        *table(("modality", "held out", "expected", "swapped"), rows),
    ]
