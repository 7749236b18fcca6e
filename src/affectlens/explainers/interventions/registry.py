"""Interventions by what they change: faces, voices, words, whole scenes, objects in scenes. One decorator adds one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from affectlens.core.errors import UsageError
from affectlens.core.registry import Registry

PACKAGE = "affectlens.explainers.interventions"


@dataclass(frozen=True)
class Intervention:
    """A change of an input.

    Attributes
    ----------
    name : str
        Its name.
    of : str
        What it changes: ``face`` (a crop, ``(h, w)`` or ``(h, w, 3)`` uint8), ``voice`` (16 kHz mono float), ``words`` (a
        text), ``scene`` (a picture) or ``object`` (a picture with a mask ``(h, w)`` in [0, 1]).
    change : callable
        ``change(input, dose)`` for faces and voices, ``change(text)`` for words, ``change(picture)`` for scenes,
        ``change(picture, mask)`` for objects; gives an input of the same kind.
    doses : tuple of float
        Doses in ``unit``, with one that leaves the input as it is (the one nearest 0).
    unit : str
        Unit of the doses.
    moves : str
        The property that it is meant to move, or an empty string.
    says : str
        What it does, where the name does not say it.
    controlled : bool
        For objects: whether the same change at another place is its control.
    """

    name: str
    of: str
    change: Callable[..., Any]
    doses: tuple[float, ...] = ()
    unit: str = ""
    moves: str = ""
    says: str = ""
    controlled: bool = True


_REGISTRIES: dict[str, Registry[tuple[Intervention, Callable[..., Any]]]] = {
    of: Registry(f"intervention of {of}", PACKAGE) for of in ("face", "voice", "words", "scene", "object")
}
_DOSED = ("face", "voice")


def register_intervention(
    name: str,
    of: str,
    *,
    doses: tuple[float, ...] = (),
    unit: str = "",
    moves: str = "",
    says: str = "",
    controlled: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that makes a change available under ``name``; for the parameters see ``Intervention``.

    Returns
    -------
    callable
        Takes the function and gives it back.

    Raises
    ------
    UsageError
        Nothing of that kind is changed, or a change of faces or voices has no doses.
    """
    if of not in _REGISTRIES:
        raise UsageError(f"intervention {name}: {of!r} is not changed by any audit; {', '.join(_REGISTRIES)} are")
    if of in _DOSED and len(doses) < 2:
        raise UsageError(f"intervention {name}: give doses, one of which leaves the input as it is")

    def add(change: Callable[..., Any]) -> Callable[..., Any]:
        _REGISTRIES[of].add(name, (Intervention(name, of, change, doses, unit, moves, says, controlled), change))
        return change

    return add


def interventions(of: str) -> list[Intervention]:
    """All interventions of a kind in the order in which they were registered; none for a kind that has none."""
    return [entry for entry, _ in _REGISTRIES[of].in_order()] if of in _REGISTRIES else []


def intervention(name: str, of: str) -> Intervention:
    """The intervention of that name.

    Returns
    -------
    Intervention
        As it was registered.

    Raises
    ------
    UsageError
        There is none; the message names the nearest ones.
    """
    return _REGISTRIES[of].get(name)[0]
