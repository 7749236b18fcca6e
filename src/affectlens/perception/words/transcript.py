"""Words and their times: Silero voice activity, then Whisper, over a stream of audio in constant memory."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.options import allowed_threads, torch_threads
from affectlens.media.sound.audio import AudioBlock
from affectlens.perception.words.invented import reason_against, spoken
from affectlens.perception.words.languages import SURE, Stretch, stretches

RATE = 16000
ENGLISH = "en"
MAX_CHUNK = 28.0  # seconds; Whisper reads at most 30 at once
GLANCE = 2.0  # seconds of silence after a span whose language is told at a glance
COLUMNS = 100  # of the spectrogram, a second


@dataclass(frozen=True)
class Word:
    """One spoken word with its times in seconds and the recogniser's probability."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Utterance:
    """Consecutive words, about a sentence.

    ``language`` is an ISO 639-1 code with its probability, ``channel`` the one that the speaker has alone, if so; the words of
    one that is ``translated`` are English whatever the language.
    """

    words: tuple[Word, ...]
    language: str
    language_probability: float
    channel: int | None = None
    translated: bool = False

    @property
    def start(self) -> float:
        """Seconds at which the first word begins."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds at which the last word ends."""
        return self.words[-1].end

    @property
    def text(self) -> str:
        """The words, spaced."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class SpeechChunk:
    """A stretch with speech: ``samples`` float32 at 16 kHz from ``start`` seconds; ``active`` are (start, end) in seconds."""

    start: float
    samples: np.ndarray
    active: tuple[tuple[float, float], ...]


def speech_chunks(blocks: Iterable[AudioBlock]) -> Iterator[SpeechChunk]:
    """Cut a stream of audio at its silences into chunks of at most ``MAX_CHUNK`` seconds that hold speech.

    Parameters
    ----------
    blocks : iterable of AudioBlock
        At 16 kHz; at most about half a minute of audio is kept at any time.

    Yields
    ------
    SpeechChunk
        In order.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=0.5,
        min_speech_duration_ms=200,
        max_speech_duration_s=MAX_CHUNK - 1,
        min_silence_duration_ms=300,
        speech_pad_ms=150,
    )
    samples, offset = np.zeros(0, np.float32), 0
    iterator = iter(blocks)
    ended = False
    while not ended:
        block = next(iterator, None)
        ended = block is None
        if block is not None:
            offset = offset if len(samples) or offset else round(block.start * RATE)
            samples = np.concatenate([samples, block.samples])
            if len(samples) < MAX_CHUNK * RATE:
                continue
        if not len(samples):
            return
        spans = [(stretch["start"], stretch["end"]) for stretch in get_speech_timestamps(samples, options)]
        # Speech that touches the end may go on in the next block: keep it, unless it fills a whole chunk already.
        limit = len(samples) if ended else len(samples) - RATE // 2
        ready = [span for span in spans if span[1] <= limit]
        if not ended and not ready and spans and len(samples) - spans[0][0] >= MAX_CHUNK * RATE:
            ready = [(spans[0][0], len(samples))]
        yield from _pack(ready, samples, offset)
        waiting = [span for span in spans if span not in ready and span[0] >= (ready[-1][1] if ready else 0)]
        if ended:
            return
        cut = ready[-1][1] if ready else 0
        keep = waiting[0][0] if waiting else max(cut, len(samples) - RATE)
        samples, offset = samples[keep:].copy(), offset + keep


def _pack(spans: list[tuple[int, int]], samples: np.ndarray, offset: int) -> Iterator[SpeechChunk]:
    """Join neighbouring stretches of speech, silences under two seconds included, up to ``MAX_CHUNK``."""
    group: list[tuple[int, int]] = []
    for span in [*spans, None]:
        full = span is None or (group and (span[1] - group[0][0] > MAX_CHUNK * RATE or span[0] - group[-1][1] > 2 * RATE))
        if full and group:
            begin, end = group[0][0], group[-1][1]
            active = tuple(((start + offset) / RATE, (end + offset) / RATE) for start, end in group)
            yield SpeechChunk((begin + offset) / RATE, samples[begin:end].copy(), active)
            group = []
        if span is not None:
            group.append(span)


class WordRecogniser:
    """Whisper through faster-whisper.

    Parameters
    ----------
    folder : Path
        Of the model.
    language : str, optional
        Of all that is said; without it, it is detected between pauses.
    device : str
        ``cpu`` or ``cuda``, with a number where there are several.
    threads : int
        Of the processor.
    translate : bool
        Whether what is not English is translated into it.

    Attributes
    ----------
    left_out : Counter of str
        What was written of the last recording that probably nobody said, and how often.
    """

    def __init__(
        self, folder: Path, language: str | None = None, device: str = "cpu", threads: int = 2, translate: bool = False
    ) -> None:
        import torch
        from faster_whisper import WhisperModel

        kind, _, number = device.partition(":")
        with torch_threads(torch.get_num_threads()):  # CTranslate2 sets OpenMP's number of threads, which torch shares
            self._model = WhisperModel(
                str(folder),
                device="cuda" if kind == "cuda" else "cpu",
                device_index=int(number or 0),
                compute_type="int8" if kind != "cuda" else "float16",
                cpu_threads=allowed_threads(threads),
            )
        self._model.encode = _Encoded(self._model.encode)
        self._language, self._translate = language, translate
        self.left_out: Counter[str] = Counter()

    def __call__(
        self, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[SpeechChunk, list[Utterance]]]:
        """For each chunk with speech its utterances; a chunk in which no word was recognised gives an empty list."""
        self.left_out = Counter()
        before = self._language
        for chunk in speech_chunks(blocks):
            utterances: list[Utterance] = []
            for stretch in self._stretches(chunk, before):
                best = max(
                    (self._hear(chunk, stretch, language) for language in stretch.languages),
                    key=lambda hypothesis: hypothesis.score,
                )
                self.left_out.update(best.left_out)
                translated = self._translate and best.language != ENGLISH and bool(best.words)
                if translated:
                    best = self._hear(chunk, stretch, best.language, "translate")
                    self.left_out.update(best.left_out)
                utterances.extend(
                    _utterances(best.words, best.language, stretch.probability_of(best.language), translated=translated)
                )
                if len(stretch.languages) == 1 and stretch.probability >= SURE:
                    before = best.language
            if progress:
                progress(chunk.start + len(chunk.samples) / RATE)
            yield chunk, utterances

    def _stretches(self, chunk: SpeechChunk, before: str | None) -> list[Stretch]:
        whole = len(chunk.samples)
        if self._language is not None:
            return [Stretch(0, whole, (self._language,), (1.0,))]
        spans = [(round((start - chunk.start) * RATE), round((end - chunk.start) * RATE)) for start, end in chunk.active]

        def detect(span: tuple[int, int]) -> dict[str, float]:
            return self._languages(chunk.samples[span[0] : span[1]])

        def glance(span: tuple[int, int]) -> dict[str, float]:
            return self._languages(chunk.samples[span[0] : span[1]], after=GLANCE)

        return stretches(spans, detect, RATE, before, glance)

    def _languages(self, samples: np.ndarray, after: float | None = None) -> dict[str, float]:
        """Probability of each language in at most half a minute; what is encoded for it serves the transcript as well."""
        # Whisper learnt from half a minute at a time, silence added, and is given that here too; a glance has ``after`` it only
        # so many seconds of silence, which is a tenth of the work.
        from faster_whisper.audio import pad_or_trim

        most = self._model.feature_extractor.nb_max_frames
        features = self._model.feature_extractor(samples)[..., :-1]  # as the transcript has it: without the frame of padding
        heard = features[..., :most]
        length = most if after is None else min(most, heard.shape[-1] + round(after * COLUMNS) + heard.shape[-1] % 2)
        encoded = self._model.encode(pad_or_trim(heard, length))
        return {token[2:-2]: float(probability) for token, probability in self._model.model.detect_language(encoded)[0]}

    def _hear(self, chunk: SpeechChunk, stretch: Stretch, language: str, task: str = "transcribe") -> _Heard:
        segments, _ = self._model.transcribe(
            chunk.samples[stretch.first : stretch.last],
            language=language,
            task=task,
            word_timestamps=True,
            condition_on_previous_text=False,
            beam_size=5,
            temperature=[0.0, 0.4],
        )
        left_out: Counter[str] = Counter()
        words: list[Word] = []
        scores = []
        for segment in segments:
            said = list(_words(segment, chunk.start + stretch.first / RATE))
            reason = reason_against(segment)
            if reason:
                left_out[f"words of {reason}"] += len(said)
            else:
                words.extend(said)
                scores.append(segment.avg_logprob)
        return _Heard(language, spoken(words, left_out), float(np.mean(scores)) if scores else -np.inf, left_out)


class _Encoded:
    """Whisper's encoder, which is given the same sound once to tell its language and once more for each transcript."""

    KEPT = 8  # encodings, of 3 MB each

    def __init__(self, encode: Callable[[np.ndarray], Any]) -> None:
        self._encode = encode
        self._known: dict[bytes, Any] = {}

    def __call__(self, features: np.ndarray) -> Any:
        """The encoding of a spectrogram, as it was made before where it is the same."""
        key = hashlib.sha256(np.ascontiguousarray(features).data).digest()
        if key not in self._known:
            while len(self._known) >= self.KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._encode(features)
        return self._known[key]


@dataclass(frozen=True)
class _Heard:
    """What a stretch says if it is in a language, and the mean logarithm of the words' probability."""

    language: str
    words: list[Word]
    score: float
    left_out: Counter[str]


def _words(segment: Any, offset: float) -> Iterator[Word]:
    for word in segment.words or ():
        text = word.word.strip()
        if text:
            yield Word(
                text,
                float(word.start) + offset,
                max(float(word.end), float(word.start) + 0.02) + offset,
                float(word.probability),
            )


def _utterances(words: list[Word], language: str, probability: float, *, translated: bool = False) -> Iterator[Utterance]:
    """Split at the end of a sentence, at a pause of 0.8 s, and after 40 words."""
    group: list[Word] = []
    for number, word in enumerate(words):
        group.append(word)
        after = words[number + 1].start - word.end if number + 1 < len(words) else 0.0
        if re.search(r"[.!?…。？！]$", word.text) or after > 0.8 or len(group) >= 40:
            yield Utterance(tuple(group), language, probability, translated=translated)
            group = []
    if group:
        yield Utterance(tuple(group), language, probability, translated=translated)
