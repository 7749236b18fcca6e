"""`affectlens train bclstm`: the contextual LSTM on a corpus's own split, several seeds, with a card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import DialogueCorpus, DialogueSet, joined, open_dialogues
from affectlens.features.utterances import measured
from affectlens.learning.bclstm import BcLstmRecipe, fit, pack, predict, scale_of
from affectlens.learning.carry_over import CarryOver, carry_over
from affectlens.learning.export import calibrate, export
from affectlens.models.nets.bclstm import BcLstmConfig
from affectlens.models.shipped.bclstm import BcLstmModel, meta_of, parameters
from affectlens.stats.classification import accuracy, confusion, macro_f1, unweighted_recall
from affectlens.stats.resample import bootstrap

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BcLstmRun:
    """``scores``: one row a fold and seed, and the mean; ``carried`` per modality; where the weights of the first seed lie."""

    scores: pd.DataFrame
    carried: dict[str, CarryOver]
    weights: Path


@dataclass(frozen=True)
class Fold:
    """A training part, the dialogues of it that choose the epochs (or None), and the test part."""

    name: str
    train: DialogueSet
    held_out: np.ndarray | None
    test: DialogueSet


def folds_of(corpus: DialogueCorpus, modalities: tuple[str, ...] | None, told: Told | None = None) -> list[Fold]:
    """The corpus's own split: train and test (with dev where there is one), or one session of IEMOCAP against the others."""
    splits = corpus.info.splits

    def ready(name: str) -> DialogueSet:
        data = corpus.dialogues(name)
        wanted = modalities or tuple(data.features) or ("text",)
        return measured(data, wanted, told)

    sessions = [s for s in splits if s.startswith("session")]
    if len(sessions) > 1:
        whole = ready("six" if len(corpus.scheme.labels) == 6 else "four")
        part = whole.rows.session.str.lower().to_numpy()
        return [Fold(s, whole.take(part != s), None, whole.take(part == s)) for s in sessions]
    if "train" not in splits or "test" not in splits:
        raise UsageError(f"{corpus.info.name} has the splits {', '.join(splits)}; training needs train and test (or sessions)")
    train, test = ready("train"), ready("test")
    if "dev" not in splits:
        return [Fold("test", train, None, test)]
    dev = ready("dev")
    both = joined(train, dev)
    names = list(dict.fromkeys(both.dialogues))
    return [Fold("test", both, np.array([i for i, d in enumerate(names) if d in set(dev.dialogues)]), test)]


def train_bclstm(
    corpus: str,
    path: Path,
    out: Path,
    recipe: BcLstmRecipe | None = None,
    *,
    modalities: tuple[str, ...] | None = None,
    seeds: int = 5,
    speakers: bool = False,
    target: bool = True,
    progress: Told | None = None,
) -> BcLstmRun:
    """Train on each fold with several seeds; write ``bclstm.safetensors`` (first fold, first seed), ``predictions.parquet``,
    ``scores.csv`` and ``bclstm.md`` below ``out``. Seeds that lie there from an interrupted run are used again.

    ``target``: estimate from the test part's features, never its labels, how much of each modality carries over; without it
    features are swapped at the least rate only.
    """
    recipe = recipe or BcLstmRecipe()
    out.mkdir(parents=True, exist_ok=True)
    source = open_dialogues(corpus, path)
    parts = []
    first: dict[str, CarryOver] = {}
    folds = folds_of(source, modalities, progress)
    for fold in folds:
        carried = carry_over(fold.train, fold.test.features) if target else {}
        first = first or carried
        scale = scale_of(fold.train)
        train, test = pack(fold.train, scale, recipe.limit), pack(fold.test, scale, recipe.limit)
        config = _config(fold.train, carried, speakers)
        for seed in range(recipe.seed, recipe.seed + seeds):
            mine = replace(recipe, seed=seed)
            file = out / "seeds" / f"{fold.name}-{seed}.safetensors"
            stamp = json.dumps([asdict(mine), config.to_dict(), len(fold.train), corpus], sort_keys=True)
            if not _made(file, stamp):
                told = partial(progress, f"{fold.name}, seed {seed}") if progress else None
                net, epochs = fit(train, config, mine, told, fold.held_out)
                held = predict(net, train)
                known = fold.train.labels >= 0
                meta = meta_of(net, fold.train.classes, scale, asdict(mine), source.info.title, source.info.licence)
                targets = np.eye(config.classes)[fold.train.labels[known]]
                meta |= {"stamp": stamp, "epochs": epochs}
                export(file, {k: v.detach() for k, v in net.state_dict().items()}, meta, calibrate(held[known], targets))
            model = BcLstmModel(file)
            logits = predict(model.net, test)
            parts.append(_predictions(fold, seed, logits, int(model.meta["epochs"])))
    predictions = pd.concat(parts, ignore_index=True)
    predictions.to_parquet(out / "predictions.parquet")
    scores = score(predictions, folds[0].train.classes, np.random.default_rng(recipe.seed))
    scores.to_csv(out / "scores.csv", index=False)
    weights = out / "bclstm.safetensors"
    weights.write_bytes((out / "seeds" / f"{folds[0].name}-{recipe.seed}.safetensors").read_bytes())
    _card(out / "bclstm.md", BcLstmModel(weights), source, scores, first, folds, seeds)
    return BcLstmRun(scores, first, weights)


def _config(data: DialogueSet, carried: dict[str, CarryOver], speakers: bool) -> BcLstmConfig:
    widths = {m: x.shape[1] for m, x in data.features.items()}
    swap = {m: c.swap for m, c in carried.items()} or dict.fromkeys(widths, 0.1)
    # The modality that is expected to do best elsewhere is corrected by the others, never drowned.
    anchor = max(carried, key=lambda m: carried[m].expected) if carried else next(iter(widths))
    return BcLstmConfig(widths, len(data.classes), anchor=anchor if len(widths) > 1 else "", speakers=speakers, swap=swap)


def _made(file: Path, stamp: str) -> bool:
    return file.exists() and BcLstmModel(file).meta.get("stamp") == stamp


def _predictions(fold: Fold, seed: int, logits: np.ndarray, epochs: int) -> pd.DataFrame:
    known = fold.test.labels >= 0
    return pd.DataFrame(
        {
            "fold": fold.name, "seed": seed, "epochs": epochs, "key": fold.test.rows.key[known],
            "dialogue": fold.test.dialogues[known], "truth": fold.test.labels[known], "said": logits[known].argmax(axis=1),
        }
    )  # fmt: skip


def score(predictions: pd.DataFrame, classes: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    """Accuracy, mean recall, macro and weighted F1 of each fold and seed, then mean over seeds with deviation and the
    interval over dialogues."""
    rows = []
    for (fold, seed), mine in predictions.groupby(["fold", "seed"]):
        rows.append({"fold": fold, "seed": str(seed), "epochs": mine.epochs.iloc[0], **_scores(mine, len(classes))})
    frame = pd.DataFrame(rows)
    named = [c for c in frame if c not in ("fold", "seed", "epochs")]
    # Each seed over all folds; seeds are not independent observations of anything but the training's chance.
    by_seed = pd.DataFrame([_scores(m, len(classes)) for _, m in predictions.groupby("seed")])
    right = (predictions.truth == predictions.said).to_numpy()
    order = predictions.groupby("key", sort=False).indices
    mean_right = np.array([right[i].mean() for i in order.values()])
    groups = np.array([predictions.dialogue.iloc[i[0]] for i in order.values()])
    e = bootstrap(lambda r: float(mean_right[r].mean()), len(mean_right), rng, groups=groups)
    return pd.concat(
        [
            frame,
            pd.DataFrame([{"fold": "all", "seed": "mean", **by_seed[named].mean(), "low": e.low, "high": e.high}]),
            pd.DataFrame([{"fold": "all", "seed": "deviation", **by_seed[named].std(ddof=0)}]),
        ],
        ignore_index=True,
    )


def _scores(mine: pd.DataFrame, classes: int) -> dict[str, float]:
    table = confusion(mine.truth.to_numpy(), mine.said.to_numpy(), classes)
    hits = np.diag(table)
    f1 = 2 * hits / np.maximum(table.sum(axis=0)[:classes] + table.sum(axis=1), 1)
    weighted = float((f1 * table.sum(axis=1)).sum() / table.sum())
    return {
        "accuracy": accuracy(table), "UAR": unweighted_recall(table), "macro F1": macro_f1(table), "weighted F1": weighted
    }  # fmt: skip


def _card(
    path: Path, model: BcLstmModel, source: DialogueCorpus, scores: pd.DataFrame, carried: dict[str, CarryOver],
    folds: list[Fold], seeds: int,
) -> None:  # fmt: skip
    mean, spread = (scores[scores.seed == s].iloc[0] for s in ("mean", "deviation"))
    swap = model.net.config.swap
    lines = [
        "# Model card: contextual LSTM", "",
        "A bidirectional contextual LSTM over the utterances of a dialogue, after Poria et al. (ACL 2017), with our training.",
        "",
        f"- Classes: {', '.join(model.labels)} (expressed emotion, not feeling)",
        f"- Reads: {', '.join(f'{m} ({w})' for m, w in model.net.config.widths.items())}; {parameters(model.net):,} parameters"
        + ("; speaker-aware" if model.net.config.speakers else ""),
        f"- Corpus: {source.info.title}; licence: {source.info.licence} ({source.info.home}). The weights inherit it",
        f"- Parts: {', '.join(f'{f.name}: {len(f.train)} utterances to train, {len(f.test)} to test' for f in folds)}; no "
        "dialogue in both",
        "", "## Scores on the test part", "",
        f"Mean and deviation over {seeds} seeds; the interval of accuracy is over dialogues.", "",
        "| score | mean | deviation |", "|---|---|---|",
        f"| accuracy | {mean.accuracy:.4f} [{mean.low:.3f}, {mean.high:.3f}] | {spread.accuracy:.4f} |",
        *(f"| {n} | {mean[n]:.4f} | {spread[n]:.4f} |" for n in ("UAR", "macro F1", "weighted F1")),
        "", "## How far features carry over", "",
    ]  # fmt: skip
    if carried:
        lines += [
            "Estimated without labels of the test part, but from its features (transductive): accuracy of a linear probe on "
            "held-out training dialogues, the one to expect on the test part (average thresholded confidence, Garg et al. "
            "2022), and the rate at which features were swapped in training.", "",
            "| modality | held out | expected | swapped |", "|---|---|---|---|",
            *(f"| {m} | {c.held_out:.3f} | {c.expected:.3f} | {swap[m]:.2f} |" for m, c in carried.items()),
        ]  # fmt: skip
    else:
        lines += [f"Not estimated; features were swapped at a rate of {next(iter(swap.values()))}."]
    lines += [
        "", "## Limits", "",
        "The network knows one corpus: its people, its situations, its features. Its calibration was fitted on training "
        "dialogues and is too sure where features do not carry over. For research and auditing, not for decisions about a "
        "person.", "", "## Recipe", "", *(f"- {k}: {v}" for k, v in model.meta["recipe"].items()),
        f"- epochs chosen on held-out dialogues: {', '.join(str(int(e)) for e in scores.epochs.dropna())}", "",
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
