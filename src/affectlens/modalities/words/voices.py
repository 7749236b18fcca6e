"""Utterances cut where another voice goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from affectlens.models.speakers.spans import VoiceSpan, voice_at
from affectlens.perception.words.transcript import Utterance, Word


def by_voice(utterance: Utterance, voices: Sequence[VoiceSpan]) -> list[Utterance]:
    """An utterance as one of each voice that speaks in it, in order.

    Parameters
    ----------
    utterance : Utterance
        As recognised.
    voices : sequence of VoiceSpan
        Of the recording. A word in which no voice is known goes with the words before it.

    Returns
    -------
    list of Utterance
        The utterance itself where one voice speaks.
    """
    groups: list[list[Word]] = []
    speaking = None
    for word in utterance.words:
        voice = voice_at(voices, word.start, word.end)
        if not groups or (voice is not None and speaking is not None and voice != speaking):
            groups.append([])
        groups[-1].append(word)
        speaking = speaking if voice is None else voice
    return [replace(utterance, words=tuple(group)) for group in groups]
