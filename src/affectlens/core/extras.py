"""Packages that come only with an extra of this one, and the error where one is missing."""

from __future__ import annotations

from importlib.util import find_spec

from affectlens.core.errors import UsageError

# Extra: the modules it brings. ``pyproject.toml`` names the packages; a test compares the two.
EXTRAS = {
    "speech": ("faster_whisper",),
    "audit": ("sklearn", "onnxruntime"),
    "train": ("sklearn", "h5py"),
    "onnx": ("onnxruntime",),
    "transformers": ("transformers",),
}


def missing(extra: str) -> tuple[str, ...]:
    """Modules of an extra that are not installed."""
    return tuple(m for m in EXTRAS[extra] if find_spec(m) is None)


def extra_of(module: str) -> str:
    """The first extra that brings a module, or an empty string."""
    return next((extra for extra, modules in EXTRAS.items() if module.partition(".")[0] in modules), "")


def need(extra: str) -> None:
    """See that an extra is installed.

    Raises
    ------
    UsageError
        It is not; the message says how to install it.
    """
    for module in missing(extra):
        raise UsageError(_advice(module, extra))


def explained(error: ModuleNotFoundError) -> UsageError | None:
    """The same error in words that help, where an extra brings the module; else nothing."""
    module = (error.name or "").partition(".")[0]
    extra = extra_of(module)
    if not extra:
        return None
    return UsageError(_advice(module, extra))


def _advice(module: str, extra: str) -> str:
    return f'this needs the package {module}, which is not installed; run: pip install "affectlens[{extra}]"'
