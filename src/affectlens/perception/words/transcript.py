"""Words and their times: Silero voice activity, then Whisper, over a stream of audio in constant memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.media.audio import AudioBlock

RATE = 16000
MAX_CHUNK = 28.0  # seconds; Whisper reads at most 30 at once


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

    ``language`` is an ISO 639-1 code with its probability, ``channel`` the one that the speaker has alone, if so.
    """

    words: tuple[Word, ...]
    language: str
    language_probability: float
    channel: int | None = None

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
        return " ".join(w.text for w in self.words)


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
            samples = np.concatenate([samples, block.samples])
            if len(samples) < MAX_CHUNK * RATE:
                continue
        if not len(samples):
            return
        spans = [(s["start"], s["end"]) for s in get_speech_timestamps(samples, options)]
        # Speech that touches the end may go on in the next block: keep it, unless it fills a whole chunk already.
        limit = len(samples) if ended else len(samples) - RATE // 2
        ready = [s for s in spans if s[1] <= limit]
        if not ended and not ready and spans and len(samples) - spans[0][0] >= MAX_CHUNK * RATE:
            ready = [(spans[0][0], len(samples))]
        yield from _pack(ready, samples, offset)
        waiting = [s for s in spans if s not in ready and s[0] >= (ready[-1][1] if ready else 0)]
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
            active = tuple(((a + offset) / RATE, (b + offset) / RATE) for a, b in group)
            yield SpeechChunk((begin + offset) / RATE, samples[begin:end].copy(), active)
            group = []
        if span is not None:
            group.append(span)


class WordRecogniser:
    """Whisper through faster-whisper; ``language`` fixes it, None detects it in each chunk until one is certain."""

    def __init__(self, folder: Path, language: str | None = None, device: str = "cpu", threads: int = 2) -> None:
        from faster_whisper import WhisperModel

        kind, _, number = device.partition(":")
        self._model = WhisperModel(
            str(folder),
            device="cuda" if kind == "cuda" else "cpu",
            device_index=int(number or 0),
            compute_type="int8" if kind != "cuda" else "float16",
            cpu_threads=threads,
        )
        self._language = language

    def __call__(
        self, blocks: Iterable[AudioBlock], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[SpeechChunk, list[Utterance]]]:
        """For each chunk with speech its utterances; a chunk in which no word was recognised gives an empty list."""
        language = self._language
        for chunk in speech_chunks(blocks):
            segments, info = self._model.transcribe(
                chunk.samples,
                language=language,
                word_timestamps=True,
                condition_on_previous_text=False,
                beam_size=5,
                temperature=[0.0, 0.4],
            )
            words = [w for s in segments if not _is_invented(s) for w in _words(s, chunk.start)]
            if language is None and info.language_probability > 0.8:
                language = info.language  # a recording keeps its language once it is certain
            if progress:
                progress(chunk.start + len(chunk.samples) / RATE)
            yield chunk, list(_utterances(words, info.language, float(info.language_probability)))


def _is_invented(segment: Any) -> bool:
    """Whisper writes fluent text over noise; such segments have low probability or repeat themselves."""
    return bool(
        (segment.no_speech_prob > 0.6 and segment.avg_logprob < -0.7)
        or segment.avg_logprob < -1.2
        or segment.compression_ratio > 2.6
    )


def _words(segment: Any, offset: float) -> Iterator[Word]:
    for w in segment.words or ():
        text = w.word.strip()
        if text:
            yield Word(text, float(w.start) + offset, max(float(w.end), float(w.start) + 0.02) + offset, float(w.probability))


def _utterances(words: list[Word], language: str, probability: float) -> Iterator[Utterance]:
    """Split at the end of a sentence, at a pause of 0.8 s, and after 40 words."""
    group: list[Word] = []
    for i, word in enumerate(words):
        group.append(word)
        after = words[i + 1].start - word.end if i + 1 < len(words) else 0.0
        if re.search(r"[.!?…。？！]$", word.text) or after > 0.8 or len(group) >= 40:
            yield Utterance(tuple(group), language, probability)
            group = []
    if group:
        yield Utterance(tuple(group), language, probability)
