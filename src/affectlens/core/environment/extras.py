"""Packages that come only with an extra of this one, and the error where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from affectlens.core.errors import UsageError

# Extra: the modules it brings. ``pyproject.toml`` names the packages; a test compares the two.
EXTRAS = {
    "speech": ("faster_whisper", "yaml"),
    "audit": ("sklearn", "onnxruntime"),
    "train": ("sklearn", "h5py"),
    "onnx": ("onnxruntime",),
    "transformers": ("transformers",),
    "cluster": ("ray",),
    "view": ("fastapi", "uvicorn"),
}


def missing(extra: str) -> tuple[str, ...]:
    """Modules of an extra that are not installed."""
    return tuple(module for module in EXTRAS[extra] if find_spec(module) is None)


def extra_of(module: str) -> str:
    """The first extra that brings a module, or an empty string."""
    return next((extra for extra, modules in EXTRAS.items() if module.partition(".")[0] in modules), "")


@contextmanager
def helpful() -> Iterator[None]:
    """A module that is missing inside becomes an error that says how to install it.

    Raises
    ------
    UsageError
        An extra is not installed.
    ModuleNotFoundError
        A module is missing that no extra brings.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        extra = extra_of(module)
        if not extra:
            raise
        raise UsageError(
            f'this needs the package {module}, which is not installed; run: pip install "affectlens[{extra}]"'
        ) from error
