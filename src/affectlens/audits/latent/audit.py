"""An audit of a speech latent on people that its training never heard: clusters, corpora, directions, stability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.base import checked_settings
from affectlens.audits.latent.clusters import METHODS, Clustering, agreement, describe_clusters, find_clusters
from affectlens.audits.latent.directions import associations, principal, traversal
from affectlens.audits.latent.result import LatentAudit
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.latent.shift import FOLDS, shift_table
from affectlens.audits.latent.stability import SeedStability
from affectlens.audits.result import Provenance
from affectlens.audits.speech_corpora import Corpora, SpeechAuditor, check_enough, kind_or_setting, left_out, open_table
from affectlens.core.disk.files import digest_of
from affectlens.core.errors import CorpusError
from affectlens.core.labels import AFFECT
from affectlens.core.options import torch_threads
from affectlens.core.progress import Progress, silent
from affectlens.features.speech import SpeechTable
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.trainers.speech import SpeechAutoencoder
from affectlens.models.shipped.speech_scale import normalise, pooled
from affectlens.perception.voice.egemaps import NAMES
from affectlens.stats.generators import Rng, generator

FEWEST = 8  # clips of people that were not trained on
STAGES = 6  # after training: clusters, agreement, corpora, directions, stability, projection


@dataclass(frozen=True)
class Examined:
    """The clips that were not trained on: ``mask`` over the table; factors, rows and speakers of those under it."""

    mask: np.ndarray
    rows: pd.DataFrame
    speaker: np.ndarray
    corpus: np.ndarray

    @classmethod
    def of(cls, table: SpeechTable, mask: np.ndarray) -> Examined:
        """The rows of a table under a mask."""
        return cls(mask, table.rows[mask].reset_index(drop=True), table.speaker[mask], table.corpus[mask])

    @property
    def factors(self) -> dict[str, np.ndarray]:
        """What clusters could be: emotions, corpora, languages, speakers or genders."""
        return {
            "emotion": self.rows.label.to_numpy(),
            "corpus": self.corpus,
            "language": self.rows.language.to_numpy(),
            "speaker": self.speaker,
            "gender": self.rows.gender.astype(str).to_numpy(),
        }


class LatentAuditor(SpeechAuditor[LatentSettings, LatentAudit]):
    """Trains autoencoders on half of the speakers and examines their latents of the other half."""

    kind = "latent"

    def model_facts(self) -> dict[str, Any]:
        """The kind of network; the audit trains its own."""
        spec = "trained in this audit on half of the speakers"
        return {"name": f"{self.settings.kind} speech autoencoder", "spec": spec}

    def compute(self, progress: Progress = silent) -> LatentAudit:
        """Train, examine, test.

        Returns
        -------
        LatentAudit
            Clusters, agreement, corpus shift, directions and stability.

        Raises
        ------
        CorpusError
            A corpus with one speaker.
        """
        settings, table = self.settings, self.table
        rng = np.random.default_rng(settings.seed)
        train = halves(table, rng)
        check_enough(table.labels[train], table.speaker[train], 4, 1, "training on half of the speakers")
        people = FOLDS if len(set(table.corpus)) > 1 else 1
        check_enough(table.labels[~train], table.speaker[~train], FEWEST, people, "looking at the other half of the speakers")
        stage = _stages(progress, settings.seeds + STAGES)
        normalised = normalise(table.features, table.corpus, table.speaker)
        with torch_threads(1):
            networks = []
            for number in range(settings.seeds):
                stage("training")
                recipe = SpeechRecipe(epochs=settings.epochs, seed=settings.seed + number)
                networks.append(SpeechAutoencoder(settings.kind, recipe).fit(normalised[train], table.labels[train]))
            latents = [network.encode(normalised[~train]) for network in networks]
            examined = Examined.of(table, ~train)
            return self._examine(networks[0], latents, normalised, examined, rng, stage)

    def _provenance(self, network: SpeechAutoencoder, examined: Examined) -> Provenance:
        """With the recipe and a digest of the first network's weights, and what was examined."""
        base = self.provenance()
        assert network.net is not None
        weights = [part for name, value in network.net.state_dict().items() for part in (name, value.numpy())]
        model = {**base.model, "recipe": asdict(network.recipe), "sha256": digest_of(*weights)}
        counts = {"items_examined": len(examined.rows), "speakers_examined": len(set(examined.speaker))}
        return replace(base, model=model, data={**base.data, **counts})

    def _examine(
        self, network: SpeechAutoencoder, latents: list[np.ndarray], normalised: np.ndarray, examined: Examined,
        rng: np.random.Generator, stage: Any,
    ) -> LatentAudit:  # fmt: skip
        settings, table, latent, mask = self.settings, self.table, latents[0], examined.mask
        stage("clusters")
        clusterings = tuple(find_clusters(latent, method, settings.seed) for method in METHODS)
        stage("agreement")
        agreed = agreement(list(clusterings), latent, examined.factors, examined.speaker, rng, settings.draws)
        stage("corpora")
        shift = shift_table(table, mask, normalised, latent, rng, settings.draws)
        stage("directions")
        directions = principal(network.encode(normalised[~mask]))
        scores = directions.scores(latent)
        related = _associations(scores, table, examined)
        scale = pooled(table.features, table.corpus)
        curves = traversal(directions, network.decode, lambda values: values * scale.deviation + scale.mean, list(NAMES))
        stage("stability")
        stability = SeedStability(latent, directions, clusterings[0].count)
        for number, other_latent in enumerate(latents[1:], 1):
            stability.update(number, other_latent)
        stable = stability.compute(examined.speaker, rng)
        stage("projection")
        points = _points(examined, clusterings, scores, _projection(latent, settings.seed))
        described = {name: examined.factors[name] for name in ("emotion", "corpus", "gender")}
        clusters = describe_clusters(clusterings[0].labels, normalised[mask], table.features[mask], NAMES, described)
        return LatentAudit(
            agreement=agreed, points=points, latent=latent, clusterings=clusterings, clusters=clusters, shift=shift,
            directions=directions, associations=related, traversals=curves, stability=stable, left_out=left_out(table),
            provenance=self._provenance(network, examined),
        )  # fmt: skip


def latent(
    model: str | None,
    corpora: Corpora,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: LatentSettings | None = None,
    **fields: Any,
) -> LatentAudit:
    """Audit the latent of a speech autoencoder on people that its training never heard.

    Parameters
    ----------
    model : str or None
        The kind of autoencoder, in place of the setting ``kind``; the audit trains its own networks.
    corpora : str, list of str, mapping, or SpeechTable
        Corpora of speech as ``"NAME=PATH"``, or features that were measured before.
    out : path, optional
        Folder in which the result and its page are written.
    progress : Progress, optional
        Told of clips that are measured and of what is being done.
    settings : LatentSettings, optional
        All settings.
    **fields
        Single settings, in place of those of ``settings``.

    Returns
    -------
    LatentAudit
        Clusters, agreement, corpus shift, directions and stability.

    Raises
    ------
    UsageError
        A wrong setting or an unknown corpus.
    CorpusError
        A corpus that cannot be read, or with one speaker.
    """
    chosen = checked_settings(LatentSettings, settings, kind_or_setting(model, fields, "latent"), out)
    return LatentAuditor(open_table(corpora, progress or silent), chosen, out).run(progress)


def halves(table: SpeechTable, rng: Rng) -> np.ndarray:
    """True for the clips of about half of each corpus's speakers: those that train.

    Returns
    -------
    ndarray
        Mask ``(n,)`` of clips.

    Raises
    ------
    CorpusError
        A corpus with one speaker.
    """
    rng = generator(rng)
    chosen: set[str] = set()
    for name in dict.fromkeys(table.corpus):
        people = list(dict.fromkeys(table.speaker[table.corpus == name]))
        if len(people) < 2:
            raise CorpusError(f"{name}: one speaker; an audit trains on some people and looks at others")
        chosen |= {people[i] for i in rng.permutation(len(people))[: -(-len(people) // 2)]}
    return np.isin(table.speaker, list(chosen))


def _stages(progress: Progress, total: int) -> Any:
    """A function that tells of the next stage, by its name, each time it is called."""
    numbers: Iterator[int] = iter(range(1, total + 1))
    return lambda stage: progress(stage, next(numbers), total)


def _associations(scores: np.ndarray, table: SpeechTable, examined: Examined) -> pd.DataFrame:
    """Directions with every feature, and with the published valence and arousal of the label."""
    affect = np.array([AFFECT[label] for label in examined.rows.label])
    columns = np.concatenate([table.features[examined.mask], affect], axis=1)
    names = [*NAMES, "valence (of the label)", "arousal (of the label)"]
    return associations(scores, columns, names, examined.speaker)


def _projection(latent: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE of the latents ``(n, 2)``."""
    from sklearn.manifold import TSNE

    embedding = TSNE(2, init="pca", random_state=seed, perplexity=min(30, (len(latent) - 1) / 3))
    return np.asarray(embedding.fit_transform(latent))


def _points(examined: Examined, clusterings: tuple[Clustering, ...], scores: np.ndarray, flat: np.ndarray) -> pd.DataFrame:
    return examined.rows.assign(
        corpus=examined.corpus, speaker=examined.speaker, x=flat[:, 0], y=flat[:, 1],
        **{clustering.column: clustering.labels for clustering in clusterings},
        **{f"direction_{k + 1}": scores[:, k] for k in range(scores.shape[1])},
    )  # fmt: skip
