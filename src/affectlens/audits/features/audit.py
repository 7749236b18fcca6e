"""An audit of what every acoustic feature does for a speech model: shuffled, conditional, left out, Shapley, by corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from affectlens.audits.base import checked_settings
from affectlens.audits.features.measures import REPEATS
from affectlens.audits.features.result import FeatureAudit
from affectlens.audits.features.roles import FOLDS, Clips, measure
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.speech_corpora import Corpora, SpeechAuditor, check_enough, kind_or_setting, left_out, open_table
from affectlens.core.labels import IEMOCAP4
from affectlens.core.options import torch_threads
from affectlens.core.progress import Progress, silent
from affectlens.features.speech import SpeechTable
from affectlens.models.shipped.speech_scale import normalise
from affectlens.perception.voice.catalogue import group_of
from affectlens.perception.voice.egemaps import NAMES
from affectlens.stats.generators import Rng, generator


class FeatureAuditor(SpeechAuditor[FeatureSettings, FeatureAudit]):
    """Trains a model in five folds without shared speakers, and shuffles what it reads of the people that it never heard."""

    kind = "features"

    def model_facts(self) -> dict[str, Any]:
        """The model, which is trained anew in every fold."""
        spec = f"trained in this audit, {FOLDS} folds without shared speakers"
        return {"name": f"{self.settings.kind} speech model", "spec": spec, "folds": FOLDS, "repeats": REPEATS}

    def compute(self, progress: Progress = silent) -> FeatureAudit:
        """Train, shuffle, test."""
        settings, table = self.settings, self.table
        check_enough(table.labels, table.speaker, FOLDS * 4, FOLDS, f"training in {FOLDS} folds without shared speakers")
        rng = np.random.default_rng(settings.seed)
        clips = clips_of(table)
        if settings.plant:
            clips = planted(clips, rng)
        with torch_threads(1):
            tables = measure(clips, settings.kind, settings.seed, rng, progress).compute(rng)
        return FeatureAudit(**tables, left_out=left_out(self.table), provenance=self.provenance())


def features(
    model: str | None,
    corpora: Corpora,
    *,
    out: str | Path | None = None,
    progress: Progress | None = None,
    settings: FeatureSettings | None = None,
    **fields: Any,
) -> FeatureAudit:
    """Audit what each acoustic feature and group does for a speech model, and whether corpora agree on it.

    Parameters
    ----------
    model : str or None
        The kind of model, in place of the setting ``kind``; the audit trains its own.
    corpora : str, list of str, mapping, or SpeechTable
        Corpora of speech as ``"NAME=PATH"``, or features that were measured before.
    out : path, optional
        Folder in which the result and its page are written.
    progress : Progress, optional
        Told of clips that are measured and of features that are shuffled.
    settings : FeatureSettings, optional
        All settings.
    **fields
        Single settings, in place of those of ``settings``.

    Returns
    -------
    FeatureAudit
        The role of every feature and group.

    Raises
    ------
    UsageError
        A wrong setting or an unknown corpus.
    CorpusError
        A corpus that cannot be read.
    """
    chosen = checked_settings(FeatureSettings, settings, kind_or_setting(model, fields, "features"), out)
    return FeatureAuditor(open_table(corpora, progress or silent), chosen, out).run(progress)


def clips_of(table: SpeechTable) -> Clips:
    """The clips of a table, normalised, with the names and groups of the 88 features."""
    x = normalise(table.features, table.corpus, table.speaker)
    return Clips(x, table.labels, table.corpus, table.speaker, tuple(NAMES), tuple(group_of()), IEMOCAP4.labels)


def planted(clips: Clips, rng: Rng) -> Clips:
    """The clips with a feature that tells the label and one that is noise: a check of the audit itself."""
    rng = generator(rng)
    label = np.eye(4)[clips.y] @ np.array([-1.5, -0.5, 0.5, 1.5]) + rng.normal(0, 0.3, len(clips.x))
    x = np.column_stack([clips.x, label, rng.normal(size=len(clips.x))])
    names, groups = (*clips.names, "planted: label", "planted: noise"), (*clips.groups, "planted", "planted")
    return Clips(x, clips.y, clips.corpus, clips.speaker, names, groups, clips.classes)
