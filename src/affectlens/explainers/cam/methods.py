"""The registry of methods that draw class activation maps: each is one function with one decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from affectlens.core.errors import UsageError
from affectlens.core.registry import Registry

RULES = ("lift-cam", "lrp-cam")  # backward rules that give multipliers instead of gradients, see ``rules``
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class CamMethod:
    """How a map comes about.

    Attributes
    ----------
    name : str
        As ``--cam-method`` takes it.
    function : callable
        Of a method that reads gradients: from the activation ``(n, c, h, w)`` and the gradients ``(n, k, c, h, w)`` of the
        wanted classes' logits to maps ``(n, k, h, w)``. Of one that runs the network: from ``Inside``, one picture
        ``(1, ...)``, the layer's output ``(1, ...)``, the logits ``(classes,)`` and the indices of the wanted classes to
        weights of channels ``(c, k)``.
    reads : str
        ``gradients`` or ``network``.
    rule : str
        One of ``RULES`` where its multipliers take the place of gradients, else empty.
    source : str
        Who published it.
    """

    name: str
    function: Callable[..., Any]
    reads: str
    rule: str
    source: str


METHODS: Registry[CamMethod] = Registry("CAM method", "affectlens.explainers.cam")


def register_cam(name: str, *, reads: str = "gradients", rule: str = "", source: str = "") -> Callable[[Function], Function]:
    """Make a method available under ``name``; a decorator.

    Parameters
    ----------
    name, reads, rule, source : str
        As in ``CamMethod``, which also says what the function takes and gives.

    Returns
    -------
    callable
        Takes the function and gives it back.

    Raises
    ------
    UsageError
        ``reads`` or ``rule`` is none of those that there are.

    Examples
    --------
    >>> @register_cam("mean-activation", source="for comparison")
    ... def mean_activation(activation, gradients):
    ...     return activation.mean(dim=1, keepdim=True).expand(-1, gradients.shape[1], -1, -1)
    >>> "mean-activation" in METHODS
    True
    >>> _ = METHODS.remove("mean-activation")
    """
    if reads not in ("gradients", "network"):
        raise UsageError(f"CAM method {name!r} reads {reads!r}; gradients or network was expected")
    if rule and rule not in RULES:
        raise UsageError(f"CAM method {name!r} has the rule {rule!r}; one of {', '.join(RULES)} was expected")

    def add(function: Function) -> Function:
        METHODS.add(name, CamMethod(name, function, reads, rule, source))
        return function

    return add
