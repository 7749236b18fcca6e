"""One family of errors: each says what was given, what was expected and what to do."""

from __future__ import annotations


class AffectlensError(Exception):
    """Base of every error that this package raises on purpose."""


class UsageError(AffectlensError):
    """The call itself cannot be carried out: an unknown name, an impossible combination."""


class MediaError(AffectlensError):
    """A file cannot be read as what it claims to be."""


class LimitError(MediaError):
    """An input holds more than is read of one; see ``--limit``."""


class AssetError(AffectlensError):
    """A weight or sample is missing, damaged or cannot be fetched."""


class CorpusError(AffectlensError):
    """A corpus folder or table has not the layout that its reader expects."""


class ModelError(AffectlensError):
    """A model was asked for what it cannot give."""


class ModelFailedError(ModelError):
    """A model failed by itself on an input that could be read: its own exception, with what it was given."""


class ScoresError(ModelError):
    """What a model gives is not what is said of it: another form, or values that contradict the kind of its scores."""


class OutputError(AffectlensError):
    """Results cannot be written where they were asked for."""


def unknown(kind: str, given: str, known: list[str]) -> UsageError:
    """An error for a name that is not registered, with the nearest known ones."""
    import difflib

    near = difflib.get_close_matches(given, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
    return UsageError(f"unknown {kind} {given!r}; {hint}")
