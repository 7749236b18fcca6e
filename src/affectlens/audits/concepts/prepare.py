"""The columns that concepts ask for, brought to a corpus's utterances: norms, voice, face, what was read before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import Concept
from affectlens.audits.concepts.library.dialogue import with_cues
from affectlens.audits.concepts.library.face import markers, with_action_units, with_video
from affectlens.audits.concepts.library.voice import with_voice
from affectlens.audits.concepts.library.words import with_norms
from affectlens.core.disk.places import located
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress
from affectlens.core.untrusted.frames import read_csv
from affectlens.corpora.dialogues.base import DialogueCorpus, DialogueSet
from affectlens.corpora.dialogues.iemocap import IemocapDialogues
from affectlens.features.utterances import VIDEO_NAMES, measured
from affectlens.models.base import load_model
from affectlens.perception.voice.egemaps import NAMES

NEGATIVE = ("anger", "disgust", "fear", "sadness")


def prepared(
    corpus: DialogueCorpus,
    data: DialogueSet,
    selected: list[Concept],
    *,
    norms: Path | None = None,
    units: Path | None = None,
    progress: Progress | None = None,
    unread: dict[str, str] | None = None,
    notes: list[str] | None = None,
) -> pd.DataFrame:
    """The rows with every column that the wanted concepts need and this corpus can give.

    What it cannot give is left out, and ``library.base.supported`` tells why a concept fell away.

    Parameters
    ----------
    corpus : DialogueCorpus
        The reader.
    data : DialogueSet
        Its utterances.
    selected : list of Concept
        What is asked for.
    norms : Path, optional
        Affect norms of words.
    units : Path, optional
        Action units per utterance.
    progress : Progress, optional
        Told of utterances that are measured.
    unread : dict of str to str, optional
        Recordings that cannot be read are added to it, with the reason.
    notes : list of str, optional
        Takes what has to be known of how recordings were read.

    Returns
    -------
    DataFrame
        A row an utterance.

    Raises
    ------
    UsageError
        Norms or units that cannot be read.
    """
    notes = [] if notes is None else notes
    needs = {column for entry in selected for column in entry.needs}
    rows, missed = data.rows, {} if unread is None else unread
    if norms is not None:
        rows = with_norms(rows, norms)
    recorded = "path" in rows and any(located(path).exists() for path in rows.path)
    if recorded and any(column.startswith("voice_") for column in needs | {"arousal_cue"}):
        voices = measured(data, ("audio",), progress)
        missed |= voices.unread
        notes += voices.notes
        rows = with_voice(rows, voices.features["audio"], NAMES)
    if any(column.startswith("face_") for column in needs):
        rows = _with_face(corpus, data, rows, recorded, units, progress, missed, notes)
    if "read_negative" in needs and rows.text.str.strip().any():
        rows = rows.assign(read_negative=_read_negative(rows))
    return with_cues(rows)


def _with_face(
    corpus: DialogueCorpus,
    data: DialogueSet,
    rows: pd.DataFrame,
    recorded: bool,
    units: Path | None,
    progress: Progress | None,
    unread: dict[str, str],
    notes: list[str],
) -> pd.DataFrame:
    if units is not None:
        try:
            return with_action_units(rows, read_csv(units))
        except (OSError, ValueError) as error:
            raise UsageError(f"{units}: not a readable csv of action units ({error})") from error
    if isinstance(corpus, IemocapDialogues):
        frame = pd.DataFrame([markers(corpus.face(key), corpus.head(key)) for key in rows.key], index=rows.index)
        return rows.assign(**{column: frame[column] for column in frame})
    if recorded and any(
        located(path).suffix.lower() in (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v") for path in rows.path
    ):
        faces = measured(data, ("video",), progress)
        unread |= faces.unread
        notes += faces.notes
        return with_video(rows, faces.features["video"], VIDEO_NAMES)
    return rows


def _read_negative(rows: pd.DataFrame) -> np.ndarray:
    """Probability that the shipped words model gives to anger, disgust, fear and sadness together; NaN without words."""
    model = load_model("words")
    probabilities = model.calibration.probabilities(model.predict([text if text.strip() else "." for text in rows.text]))
    negative = probabilities[:, [model.labels.index(label) for label in NEGATIVE]].sum(axis=1)
    return np.where(rows.text.str.strip().astype(bool), negative, np.nan)
