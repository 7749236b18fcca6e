"""Who speaks when several faces are in view: motion of the mouth against voice activity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpeakerChoice:
    """The person an utterance belongs to, or -1; ``scores`` are each visible person's mouth motion during it."""

    person: int
    reason: str
    scores: dict[int, float]


class MouthMotion:
    """Collects each person's mouth opening over time; a few bytes a face and sample."""

    def __init__(self) -> None:
        self._times: dict[int, list[float]] = defaultdict(list)
        self._openings: dict[int, list[float]] = defaultdict(list)

    def add(self, person: int, time: float, opening: float) -> None:
        """One sample: the gap between the inner lips over the distance between the eyes; the same sample may be told twice."""
        if self._times[person] and self._times[person][-1] == time:
            return
        self._times[person].append(time)
        self._openings[person].append(opening)

    def speaker(self, start: float, end: float, rate: float) -> SpeakerChoice:
        """Whose mouth moved with the words.

        A person counts as visible when seen in half of the samples. The mouth motion is the mean absolute change between
        samples, less what the same person shows outside the words at rest (their lower quartile). The one who moved
        clearly more than the next (by half) speaks; a single visible face speaks when its mouth moved at all.

        Parameters
        ----------
        start, end : float
            Of the words, seconds.
        rate : float
            Samples a second.

        Returns
        -------
        SpeakerChoice
            Person -1 where nobody can be told.
        """
        wanted = max(2.0, 0.5 * (end - start) * rate)
        scores = {}
        for person, times in self._times.items():
            stamps, opening = np.asarray(times), np.asarray(self._openings[person])
            change = np.abs(np.diff(opening)) / np.maximum(np.diff(stamps) * rate, 1.0)
            inside = (stamps[1:] >= start - 0.1) & (stamps[1:] <= end + 0.1) & (np.diff(stamps) < 2.5 / rate)
            if inside.sum() + 1 < wanted:
                continue
            rest = float(np.quantile(change, 0.25)) if len(change) > 8 else 0.0
            scores[person] = max(0.0, float(change[inside].mean()) - rest)
        if not scores:
            return SpeakerChoice(-1, "no face was in view while these words were spoken", scores)
        ranked = sorted(scores, key=lambda person: -scores[person])
        best = scores[ranked[0]]
        if best < 0.008:
            return SpeakerChoice(-1, "no visible mouth moved with these words", scores)
        if len(ranked) > 1 and best < 1.5 * scores[ranked[1]]:
            names = f"persons {ranked[0]} and {ranked[1]}"
            return SpeakerChoice(-1, f"the mouths of {names} moved about equally", scores)
        return SpeakerChoice(ranked[0], f"their mouth moved most with these words ({best:.3f} eye distances a sample)", scores)
