"""An audit of a speech latent on people that its training never heard: clusters, corpora, directions, stability."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_rand_score

from affectlens.audits.latent.clusters import METHODS, Clustering, agreement, describe_clusters, find_clusters
from affectlens.audits.latent.directions import (
    Directions,
    associations,
    bootstrap_stability,
    likeness,
    matched,
    principal,
    traversal,
)
from affectlens.audits.latent.shift import corpus_probe, discrepancy
from affectlens.core.errors import CorpusError
from affectlens.core.labels import AFFECT
from affectlens.core.schema import write_frame
from affectlens.features.speech import SpeechTable
from affectlens.learning.speech import SpeechAutoencoder, SpeechRecipe
from affectlens.models.shipped.speech_scale import Scale, normalise, pooled
from affectlens.perception.voice.egemaps import NAMES

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LatentAudit:
    """Everything found. ``points``: each held-out clip with its factors, clusters, projection and scores along the directions.

    ``agreement``, ``clusters``, ``shift``, ``associations``, ``traversals``, ``stability`` are tables as their functions
    describe them; ``settings`` say how they came about.
    """

    points: pd.DataFrame
    latent: np.ndarray
    found: tuple[Clustering, ...]
    agreement: pd.DataFrame
    clusters: pd.DataFrame
    shift: pd.DataFrame
    directions: Directions
    associations: pd.DataFrame
    traversals: pd.DataFrame
    stability: pd.DataFrame
    settings: dict[str, object]

    def to_frame(self) -> pd.DataFrame:
        """The points."""
        return self.points

    def save(self, folder: Path) -> None:
        """Write the tables as csv, the latents as npz, the settings last."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("points", "agreement", "clusters", "shift", "associations", "traversals", "stability"):
            write_frame(getattr(self, name), folder / f"{name}.csv")
        np.savez(folder / "latent.npz", latent=self.latent, **asdict(self.directions))
        (folder / "settings.json").write_text(json.dumps(self.settings, indent=1), encoding="utf-8")


def halves(table: SpeechTable, rng: np.random.Generator) -> np.ndarray:
    """True for the clips of about half of each corpus's speakers: those that train."""
    chosen: set[str] = set()
    for name in dict.fromkeys(table.corpus):
        people = list(dict.fromkeys(table.speaker[table.corpus == name]))
        if len(people) < 2:
            raise CorpusError(f"{name}: one speaker; an audit trains on some people and looks at others")
        chosen |= {people[i] for i in rng.permutation(len(people))[: -(-len(people) // 2)]}
    return np.isin(table.speaker, list(chosen))


def audit_latent(
    table: SpeechTable,
    kind: str = "semi-supervised",
    recipe: SpeechRecipe | None = None,
    *,
    seeds: int = 5,
    draws: int = 999,
    rng: np.random.Generator,
    progress: Progress | None = None,
) -> LatentAudit:
    """Train ``seeds`` autoencoders on half of the speakers and examine their latents of the other half."""
    recipe = recipe or SpeechRecipe()
    steps = seeds + 6
    told = iter(range(1, steps + 1))

    def tell(what: str) -> None:
        if progress:
            progress(what, next(told), steps)

    train = halves(table, rng)
    z = normalise(table.features, table.corpus, table.speaker)
    nets = []
    for seed in range(seeds):
        tell("training")
        nets.append(
            SpeechAutoencoder(kind, SpeechRecipe(**(asdict(recipe) | {"seed": seed}))).fit(z[train], table.labels[train])
        )
    latents = [net.encode(z[~train]) for net in nets]
    rows = table.rows[~train].reset_index(drop=True)
    speaker, corpus = table.speaker[~train], table.corpus[~train]
    factors = {"emotion": rows.label.to_numpy(), "corpus": corpus, "language": rows.language.to_numpy(),
               "speaker": speaker, "gender": rows.gender.astype(str).to_numpy()}  # fmt: skip
    tell("clusters")
    found = tuple(find_clusters(latents[0], m, recipe.seed) for m in METHODS)
    tell("agreement")
    agreed = agreement(list(found), latents[0], factors, speaker, rng, draws)
    tell("corpora")
    shift = _shift(table, train, z, latents[0], rng, draws)
    tell("directions")
    directions = principal(nets[0].encode(z[train]))
    scores = directions.scores(latents[0])
    affect = np.array([AFFECT[v] for v in rows.label])
    what = np.concatenate([table.features[~train], affect], axis=1)
    related = associations(scores, what, [*NAMES, "valence (of the label)", "arousal (of the label)"], speaker)
    scale = pooled(table.features, table.corpus)
    curves = traversal(directions, nets[0].decode, lambda n: n * scale.deviation + scale.mean, list(NAMES))
    tell("stability")
    stable = _stability(latents, found[0].count, directions, rng, speaker)
    tell("projection")
    flat = TSNE(2, init="pca", random_state=recipe.seed, perplexity=min(30, (len(rows) - 1) / 3)).fit_transform(latents[0])
    points = rows.assign(
        corpus=corpus, speaker=speaker, x=flat[:, 0], y=flat[:, 1],
        **{c.method: c.labels for c in found}, **{f"direction {k + 1}": scores[:, k] for k in range(scores.shape[1])},
    )  # fmt: skip
    described = describe_clusters(found[0].labels, z[~train], table.features[~train], NAMES,
                                  {k: factors[k] for k in ("emotion", "corpus", "gender")})  # fmt: skip
    settings: dict[str, object] = {
        "kind": kind, "seeds": seeds, "draws": draws, "recipe": asdict(recipe), "clips": len(table.features),
        "clips examined": int((~train).sum()), "speakers examined": len(set(speaker)),
        "chosen": {c.method: f"{c.count} ({c.how})" for c in found},
    }  # fmt: skip
    return LatentAudit(points, latents[0], found, agreed, described, shift, directions, related, curves, stable, settings)


def _shift(
    table: SpeechTable, train: np.ndarray, z: np.ndarray, latent: np.ndarray, rng: np.random.Generator, draws: int
) -> pd.DataFrame:
    """Corpus probe and discrepancy of the features before and after normalisation, and of the latent, on held-out speakers."""
    x, corpus, speaker = table.features, table.corpus, table.speaker
    seen = ~train
    forms = {
        "features as measured": Scale.of(x[train])(x[seen]),
        "each corpus scaled by itself": normalise(x, corpus, speaker, by_speaker=False)[seen],
        "each trusted speaker by themselves": z[seen],
        "latent": latent,
    }
    rows = []
    for name, form in forms.items():
        probe = corpus_probe(form, corpus[seen], speaker[seen], rng)
        distance, chance, p = discrepancy(form, corpus[seen], speaker[seen], rng, draws)
        rows.append({"representation": name, "corpus probe": probe.value, "low": probe.low, "high": probe.high,
                     "chance": 1 / len(set(corpus)), "MMD squared": distance, "MMD squared, null": chance, "p": p})  # fmt: skip
    return pd.DataFrame(rows)


def _stability(
    latents: list[np.ndarray], clusters: int, first: Directions, rng: np.random.Generator, speaker: np.ndarray
) -> pd.DataFrame:
    """How alike other seeds' latents are to the first's, and its clusters over resampled speakers."""
    from sklearn.cluster import KMeans

    rows: list[dict[str, object]] = []
    base = first.scores(latents[0])
    labels = KMeans(clusters, n_init=10, random_state=0).fit(latents[0]).labels_
    for seed, latent in enumerate(latents[1:], 1):
        pair = matched(base, principal(latent, 1.0, base.shape[1]).scores(latent))
        rows.append({"compared": f"seed {seed}", "measure": "linear CKA", "value": likeness(latents[0], latent)})
        rows += [
            {"compared": f"seed {seed}", "measure": f"direction {k + 1}, matched |r|", "value": v} for k, v in enumerate(pair)
        ]
        other = KMeans(clusters, n_init=10, random_state=0).fit(latent).labels_
        rows.append({"compared": f"seed {seed}", "measure": "ARI of k-means", "value": adjusted_rand_score(labels, other)})
    again = bootstrap_stability(latents[0], clusters, rng, speaker)
    low, high = np.quantile(again, [0.025, 0.975])
    rows.append({"compared": "resampled speakers", "measure": "ARI of k-means", "value": float(again.mean()),
                 "low": float(low), "high": float(high)})  # fmt: skip
    return pd.DataFrame(rows, columns=["compared", "measure", "value", "low", "high"])
