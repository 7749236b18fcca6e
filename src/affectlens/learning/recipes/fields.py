"""Fields that the recipes of training share, each with its help and bounds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from affectlens.core.settings import setting

MOST_SEED = 2**32 - 1  # the largest that scikit-learn takes


def whole(default: int, help: str, least: int = 1, most: int | None = None) -> Any:
    """A field that takes whole numbers."""
    return setting(default, help, least=least, most=most, check=_not_whole)


def share(default: float, help: str) -> Any:
    """A field that takes a share or a probability, from 0 to 1."""
    return setting(default, help, least=0, most=1)


def amount(default: float, help: str) -> Any:
    """A field that takes a number of at least 0."""
    return setting(default, help, least=0)


def epochs(default: int) -> Any:
    """How often the training data are gone through."""
    return whole(default, "Passes over the training data.")


def batch(default: int, least: int = 1) -> Any:
    """How many items make one step."""
    return whole(default, "Items in a step of training.", least)


def rate(default: float) -> Any:
    """The highest learning rate."""
    return setting(default, "Highest learning rate.", least=0, most=10)


def weight_decay(default: float) -> Any:
    """The optimiser's weight decay."""
    return amount(default, "Weight decay.")


def smoothing(default: float) -> Any:
    """Label smoothing."""
    return share(default, "Share of each label that is spread evenly over the classes.")


def seeds(default: int) -> Any:
    """How many networks a score is the mean over."""
    return whole(default, "Networks trained, each with a seed of its own, to score the recipe.", 1, 100)


def from_weights() -> Any:
    """Weights whose last layer is to be fitted to a user's labels, instead of training a network."""
    return setting(
        "",
        "Fit these weights (a file, or shipped) to your own labels: the network stays, only its last layer is learnt anew, and "
        "the report is of people held out. Other fields but the seed have no part in it.",
        check=_no_weights,
        metavar="FILE",
    )


def seed() -> Any:
    """The seed of everything random."""
    return whole(0, "Seed of everything random.", 0, MOST_SEED)


def word(default: str, help: str, choices: Iterable[str]) -> Any:
    """A field that takes one of several words."""
    return setting(default, help, choices=tuple(choices))


def _not_whole(value: Any) -> str:
    return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number was expected"


def _no_weights(given: Any) -> str:
    known = given in ("", "shipped") or Path(given).is_file()
    return "" if known else "no such file; shipped, or a file of weights that `affectlens train` wrote, was expected"
