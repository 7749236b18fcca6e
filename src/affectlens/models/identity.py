"""What tells one model from another of the same name, and its classes from the labels of a corpus."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from affectlens.core.disk.files import sha256_of
from affectlens.core.disk.fingerprints import fingerprint
from affectlens.core.labels import canonical
from affectlens.models.scores import scores_of
from affectlens.models.weights import weights_of

SHOWN = 12  # labels that a message lists


def content_of(model: Any) -> str:
    """A digest of all that a model's answers depend on: weights, code, preprocessing, classes, what its scores are.

    Returns
    -------
    str
        See ``fingerprint``; two networks of one name with other weights, or two functions with another body, differ.
    """
    return fingerprint(model)


def sha256_of_model(model: Any) -> str:
    """The sha256 of the file of a model that was trained here; of a model of others, the digest of all its answers depend on.

    Returns
    -------
    str
        Hexadecimal.
    """
    path = weights_of(model)
    return sha256_of(path) if path.is_file() else content_of(model)


def spelled(label: str) -> str:
    """A label without what differs between ways to write it: letters of either case, spaces, hyphens, and synonyms.

    Returns
    -------
    str
        In small letters, synonyms of the seven classes as the class.

    Examples
    --------
    >>> spelled("Happy"), spelled("doubt_confusion"), spelled(" Neutral")
    ('happiness', 'doubt confusion', 'neutral')
    """
    return canonical(re.sub(r"[\s_-]+", " ", label.strip().casefold()))


def with_labels_of(model: Any, labels: Iterable[str]) -> tuple[Any, str, str]:
    """A model whose classes are written as a corpus writes them.

    Parameters
    ----------
    model : Model
        Any model; it is left as it is.
    labels : iterable of str
        Labels of the corpus, as often as they occur.

    Returns
    -------
    model : Model
        The same, or a copy with other names of its classes.
    changed : str
        Which classes are written otherwise now; empty where none is.
    unmatched : str
        Labels without a class of the model, and its classes that are no labels; empty where every label has its class.

    Examples
    --------
    >>> from affectlens.models.adapters import CallableModel
    >>> model = CallableModel(len, ("Happy", "ANGRY", "calmness"))
    >>> renamed, changed, unmatched = with_labels_of(model, ["happiness", "anger", "anger", "fear"])
    >>> renamed.labels
    ('happiness', 'anger', 'calmness')
    >>> changed
    'classes of the model are written as the corpus does: Happy as happiness, ANGRY as anger'
    >>> unmatched
    'the model has no class fear (1 item); its class calmness is no label of the corpus'
    """
    count = Counter(label for label in labels if label)
    if not count or not scores_of(model).are_probabilities:
        return model, "", ""
    renamed = _renamed(model.labels, list(count))
    others = [f"{own} as {name}" for own, name in zip(model.labels, renamed, strict=True) if own != name]
    changed = f"classes of the model are written as the corpus does: {_some(others)}" if others else ""
    if others:
        model = relabelled(model, renamed)
    unknown = [
        f"{label} ({times} item{'s' if times > 1 else ''})" for label, times in count.most_common() if label not in model.labels
    ]
    unused = [label for label in model.labels if label not in count]
    if not unknown:
        return model, changed, ""
    unmatched = f"the model has no class {_some(unknown)}"
    if len(unused) == 1:
        unmatched += f"; its class {unused[0]} is no label of the corpus"
    elif unused:
        unmatched += f"; its classes {_some(unused)} are no labels of the corpus"
    return model, changed, unmatched


def relabelled(model: Any, labels: Sequence[str]) -> Any:
    """A model that is the same but for the names of its classes."""
    own = getattr(model, "relabelled", None)
    if own is not None:
        return own(tuple(labels))
    made = copy.copy(model)
    made.labels = tuple(labels)
    return made


def _renamed(own: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Each class by the one label that is spelled alike and means no other class; else as it is."""
    by_spelling: dict[str, list[str]] = {}
    for label in wanted:
        by_spelling.setdefault(spelled(label), []).append(label)
    times = Counter(map(spelled, own))
    names = []
    for label in own:
        alike = by_spelling.get(spelled(label), [])
        fits = label not in wanted and len(alike) == 1 and times[spelled(label)] == 1 and alike[0] not in own
        names.append(alike[0] if fits else label)
    return tuple(names)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
