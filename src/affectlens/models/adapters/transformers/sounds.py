"""Classifiers of sounds with their own feature extractor; another rate is resampled, what is too long is cut and says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.disk.files import sha256_of
from affectlens.models.adapters.blackbox import BlackBox
from affectlens.models.adapters.outputs import chosen_output
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.adapters.transformers.loading import PROCESSORS, classes_and_scores, companion, loaded
from affectlens.models.readers import RATE, Sound, sound_of
from affectlens.models.scores import Scores


class SoundTransformer(BlackBox):
    """A classifier of sounds in a folder of transformers.

    Parameters
    ----------
    folder : Path
        The saved model with its feature extractor.
    reader : callable, optional
        See ``BlackBox``.
    scores : str or Scores
        What its numbers are, instead of what its configuration says.
    preprocess : Preprocessing, optional
        Instead of the folder's extractor: from a sound at 16 kHz to the network's input, or a mapping of its inputs.

    Attributes
    ----------
    rate : int
        Samples a second that the extractor is given.
    longest : int or None
        Samples that the network is given; what is beyond is cut at the end.

    Raises
    ------
    ModelError
        transformers is not installed, or there is no such classifier or no extractor in the folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reader: Callable[[Any], Any] = sound_of,
        scores: str | Scores = "",
        preprocess: Preprocessing | None = None,
    ) -> None:
        self.net = loaded(folder, "AutoModelForAudioClassification", "audio classification")
        labels, known = classes_and_scores(self.net.config, scores)
        meta = {"sha256": sha256_of(folder)}
        super().__init__(folder.name, "voice", labels, meta, reader=reader, prepare=preprocess, scores=known)
        self.rate, self.longest = RATE, None
        self._own = preprocess is None
        if self._own:
            self.extractor = companion(folder, "AutoFeatureExtractor", "feature extractor", PROCESSORS)
            self.rate = int(self.extractor.sampling_rate)
            self.longest = _longest(self.extractor)

    def __fingerprint__(self) -> Any:
        return type(self), self.meta["sha256"], self._reader, self.preprocessing, self.labels, self.scores

    def prepare(self, datum: Any) -> Any:
        """The sound at 16 kHz, which knows whether it will be cut; or what a preprocessing of one's own makes of it."""
        if not self._own:
            return super().prepare(datum)
        length = len(datum) * self.rate / RATE
        return Sound.of(datum, self.longest is not None and length > self.longest)

    def answers(self, inputs: Any) -> np.ndarray:
        """Scores ``(n, classes)``, each sound by itself, so that none is filled up to the length of another."""
        width = self.scores.width(self.labels)
        with torch.inference_mode():
            rows = [
                chosen_output(self.net(**self._features(given)), width, self.output, self.name).float().numpy()
                for given in inputs
            ]
        return np.concatenate(rows)

    def _features(self, given: Any) -> dict[str, torch.Tensor]:
        dtype = next(self.net.parameters()).dtype
        if isinstance(given, Mapping):
            made = {name: torch.as_tensor(np.asarray(values))[None] for name, values in given.items()}
        elif not self._own:
            made = {self.net.main_input_name: torch.as_tensor(np.asarray(given))[None]}
        else:
            sound = resampled(np.asarray(given, np.float32), RATE, self.rate)
            made = dict(self.extractor(sound, sampling_rate=self.rate, return_tensors="pt"))
        return {name: values.to(dtype) if values.is_floating_point() else values for name, values in made.items()}


def resampled(sound: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """A sound ``(n,)`` at another rate, by a polyphase filter.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float32.

    Examples
    --------
    >>> len(resampled(np.zeros(16000, np.float32), 16000, 8000))
    8000
    """
    if rate == wanted:
        return sound
    from scipy.signal import resample_poly

    ratio = Fraction(wanted, rate)
    return np.asarray(resample_poly(sound, ratio.numerator, ratio.denominator), np.float32)


def _longest(extractor: Any) -> int | None:
    """Samples that an extractor takes before it cuts: Whisper's chunk, AST's frames of 25 ms each 10 ms; others take all."""
    if getattr(extractor, "n_samples", None):
        return int(extractor.n_samples)
    if type(extractor).__name__.startswith("AST"):
        longest: int = round((extractor.max_length * 0.010 + 0.025) * extractor.sampling_rate) - 1
        return longest
    return None
