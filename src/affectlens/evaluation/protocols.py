"""How speech models are tested: within a corpus, on a corpus never heard, from one corpus to another; people never shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, unknown
from affectlens.core.labels import IEMOCAP4
from affectlens.core.progress import Progress, silent
from affectlens.features.speech import SpeechTable, as_recordings
from affectlens.learning.folds import grouped_folds
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.trainers.speech import make_classifier
from affectlens.models.shipped.speech_scale import CLIP, Scale, normalise, pooled
from affectlens.stats.classification import accuracy, confusion, macro_f1, unweighted_recall
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import Estimate, bootstrap

PROTOCOLS = ("within", "leave-one-out", "one-to-one")
NORMALISATIONS = ("source", "corpus", "speaker", "recording")
FOLDS = 5


@dataclass(frozen=True)
class Setting:
    """A model and how its features are scaled.

    Attributes
    ----------
    model : str
        A kind of autoencoder, or a classifier that it is compared with.
    normalisation : str
        ``source`` (with statistics of the training clips alone), ``corpus`` (each corpus with its own, which needs no labels),
        ``speaker`` (and each speaker with theirs, where ``speakers_trusted``), ``recording`` (training as in ``speaker``; test
        clips with the training corpora's scale and ``TURNS`` turns of their speaker, as the main job meets them).
    unlabelled : bool
        Whether an autoencoder rebuilds the test corpus's features too, without its labels.
    """

    model: str = "semi-supervised"
    normalisation: str = "speaker"
    unlabelled: bool = False

    def __post_init__(self) -> None:
        if self.normalisation not in NORMALISATIONS:
            raise unknown("normalisation", self.normalisation, list(NORMALISATIONS))

    @property
    def name(self) -> str:
        """One line for tables."""
        return f"{self.model}, {self.normalisation}" + (", unlabelled target" if self.unlabelled else "")


def run_protocol(
    table: SpeechTable,
    protocol: str,
    setting: Setting,
    recipe: SpeechRecipe | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Probabilities of every test clip.

    Parameters
    ----------
    table : SpeechTable
        Clips of one or more corpora.
    protocol : str
        One of ``PROTOCOLS``. Within a corpus: five folds without shared speakers, drawn anew for each seed.
    setting : Setting
        The model and how features are scaled.
    recipe : SpeechRecipe, optional
        How autoencoders are trained, and with how many seeds everything is repeated.
    progress : Progress
        Told of trained models.

    Returns
    -------
    pandas.DataFrame
        Columns protocol, setting, seed, source (the training corpora), target, row, truth, speaker, ``p0`` to ``p3``.

    Raises
    ------
    UsageError
        An unknown protocol.
    CorpusError
        Too few corpora or speakers.
    """  # noqa: DOC501
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, list(PROTOCOLS))
    recipe = recipe or SpeechRecipe()
    jobs = list(_jobs(table, protocol, recipe.seeds))
    out = []
    for i, (seed, source, target, train, test) in enumerate(jobs):
        progress(f"{protocol}: {setting.name}", i, len(jobs))
        probabilities = _fit_predict(table, setting, replace(recipe, seed=seed), train, test)
        frame = pd.DataFrame(probabilities, columns=[f"p{index}" for index in range(probabilities.shape[1])])
        out.append(
            frame.assign(
                protocol=protocol,
                setting=setting.name,
                seed=seed,
                source=source,
                target=target,
                row=test,
                truth=table.labels[test],
                speaker=table.speaker[test],
            )
        )
    progress(f"{protocol}: {setting.name}", len(jobs), len(jobs))
    return pd.concat(out, ignore_index=True)


def _jobs(table: SpeechTable, protocol: str, seeds: int) -> Iterator[tuple[int, str, str, np.ndarray, np.ndarray]]:
    names = list(dict.fromkeys(table.corpus))
    rows = {name: np.flatnonzero(table.corpus == name) for name in names}
    if protocol != "within" and len(names) < 2:
        raise CorpusError(f"{protocol} needs at least two corpora, got {names}")
    for seed in range(seeds):
        for name in names:
            members = rows[name]
            if protocol == "leave-one-out":
                yield seed, "all others", name, np.concatenate([rows[other] for other in names if other != name]), members
            elif protocol == "one-to-one":
                for source in names:
                    if source != name:
                        yield seed, source, name, rows[source], members
            else:
                for train, test in grouped_folds(
                    table.labels[members], table.speaker[members], FOLDS, seed, IEMOCAP4.labels, name
                ):
                    yield seed, name, name, members[train], members[test]


def _fit_predict(table: SpeechTable, setting: Setting, recipe: SpeechRecipe, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    x_train, x_test, x_more = _features(table, setting, recipe.seed, train, test)
    model = make_classifier(setting.model, recipe.seed, recipe)
    return model.fit(x_train, table.labels[train], x_more if setting.unlabelled else None).predict_proba(x_test)


def _features(
    table: SpeechTable, setting: Setting, seed: int, train: np.ndarray, test: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Normalised features of training and test clips, and of the whole corpus that the test clips come from."""
    x, corpus, speaker = table.features, table.corpus, table.speaker
    target = np.flatnonzero(np.isin(corpus, list(set(corpus[test]))))
    if setting.normalisation == "source":
        scale = Scale.of(x[train])
        scaled = np.clip(scale(x), -CLIP, CLIP)
        return scaled[train], scaled[test], scaled[target]
    both = np.union1d(train, target)
    scaled = np.zeros(x.shape)
    scaled[both] = normalise(x[both], corpus[both], speaker[both], by_speaker=setting.normalisation != "corpus")
    if setting.normalisation == "recording":
        scale = pooled(x[train], corpus[train])
        return scaled[train], as_recordings(x, speaker, test, scale, seed), scaled[target]
    return scaled[train], scaled[test], scaled[target]


def scores(predictions: pd.DataFrame, rng: Rng, draws: int = 1000) -> pd.DataFrame:
    """UA (mean recall), WA (accuracy) and macro F1 of each test corpus (and source), and their mean over corpora.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As ``run_protocol`` gives them, of any protocols and settings.
    rng : int or numpy.random.Generator
        Draws the bootstrap.
    draws : int
        How many draws.

    Returns
    -------
    pandas.DataFrame
        Columns protocol, setting, source, target, score, value (mean over seeds), low and high (from resampling speakers, all
        seeds together; of the mean: in every corpus), clips and speakers.
    """
    rng = generator(rng)
    out = []
    for (protocol, setting), part in predictions.groupby(["protocol", "setting"], sort=False):
        by_score: dict[str, list[np.ndarray]] = {}
        for (source, target), cell in part.groupby(["source", "target"], sort=False):
            for name, (estimate, values) in _cell_scores(cell, rng, draws).items():
                out.append(_row(protocol, setting, source, target, name, estimate))
                by_score.setdefault(name, []).append(values)
        for name, columns in by_score.items():
            value = np.mean(
                [row["value"] for row in out if (row["protocol"], row["setting"], row["score"]) == (protocol, setting, name)]
            )
            means = np.mean(columns, axis=0)
            low, high = np.quantile(means, [0.025, 0.975])
            clips = int(part.row.nunique())
            mean = Estimate(float(value), float(low), float(high), clips, int(part.speaker.nunique()))
            out.append(_row(protocol, setting, "", "mean", name, mean))
    return pd.DataFrame(out)


def _row(protocol: str, setting: str, source: str, target: str, score: str, estimate: Estimate) -> dict[str, object]:
    return {
        "protocol": protocol,
        "setting": setting,
        "source": source,
        "target": target,
        "score": score,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "clips": estimate.n,
        "speakers": estimate.groups,
    }


def _cell_scores(cell: pd.DataFrame, rng: np.random.Generator, draws: int) -> dict[str, tuple[Estimate, np.ndarray]]:
    """Each score with its estimate and its bootstrap draws; clips in one order for all seeds."""
    wide = cell.pivot(
        index="row", columns="seed", values=[column for column in cell if column.startswith("p") and column[1:].isdigit()]
    )
    classes = wide.columns.get_level_values(0).nunique()
    seeds = wide.columns.get_level_values(1).nunique()
    predicted = wide.to_numpy().reshape(len(wide), classes, seeds).argmax(axis=1)
    facts = cell.drop_duplicates("row").set_index("row").loc[wide.index]
    truth, speakers = facts.truth.to_numpy(), facts.speaker.to_numpy()

    def kept_draws(function: Callable[[np.ndarray], float], values: list[float]) -> Callable[[np.ndarray], float]:
        """The mean over seeds of a score of some rows; every value is kept, for the mean over corpora."""

        def statistic(rows: np.ndarray) -> float:
            tables = [confusion(truth[rows], predicted[rows, seed], classes) for seed in range(seeds)]
            values.append(float(np.mean([function(table) for table in tables])))
            return values[-1]

        return statistic

    out = {}
    for name, function in (("UA", unweighted_recall), ("WA", accuracy), ("macro F1", macro_f1)):
        values: list[float] = []
        estimate = bootstrap(kept_draws(function, values), len(truth), rng, groups=speakers, draws=draws)
        out[name] = (estimate, np.array(values[1:]))
    return out


STEPS = (
    ("features, scaled by the source", Setting("logistic", "source")),
    ("+ each corpus scaled by itself", Setting("logistic", "corpus")),
    ("+ each trusted speaker by themselves", Setting("logistic", "speaker")),
    ("+ autoencoder (undercomplete), probe on its latent", Setting("undercomplete", "speaker")),
    ("+ denoising", Setting("denoising", "speaker")),
    ("+ supervision of the latent", Setting("semi-supervised", "speaker")),
    ("+ unlabelled clips of the target rebuilt", Setting("semi-supervised", "speaker", True)),
)
OTHERS = (
    ("variational autoencoder, probe on its latent", Setting("variational", "speaker")),
    ("support vector machine on the features", Setting("svm", "speaker")),
    ("gradient boosting on the features", Setting("boosting", "speaker")),
    ("semi-supervised, as the main job normalises", Setting("semi-supervised", "recording")),
)
