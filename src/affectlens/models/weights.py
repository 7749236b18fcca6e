"""Weights that this project trained: safetensors with their configuration, calibration and card inside the package."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import LimitError, ModelError
from affectlens.core.untrusted.documents import parse_json
from affectlens.core.untrusted.weight import file_within
from affectlens.models.base import Calibration


def weights_folder() -> Path:
    """Where the weights that ship lie, beside their cards and the table of what each file holds, ``SHA256SUMS``."""
    return Path(str(resources.files("affectlens"))) / "weights"


def weights_path(name: str) -> Path:
    """Where the shipped weights of a model lie."""
    return weights_folder() / f"{name}.safetensors"


def weights_of(model: Any) -> Path:
    """The file that a model's weights were read from."""
    return Path(getattr(model, "path", None) or weights_path(model.name))


def check_shipped(path: Path) -> Path:
    """See that a file of weights is as it was shipped; weights of one's own, which lie elsewhere, pass.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError
        The file lies among those that ship and does not hold what was shipped.
    """
    folder = weights_folder()
    if path.absolute().parent != folder.absolute():
        return path
    table = folder / "SHA256SUMS"
    try:
        lines = table.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{table}: cannot be read ({error}), so no weights can be told from damaged ones; reinstall"
        ) from error
    expected = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}.get(path.name)
    digest = sha256_of(path)
    if digest != expected:
        raise ModelError(
            f"{path}: not the weights that were shipped (sha256 {digest[:12]}…, expected {(expected or 'none')[:12]}…); "
            "reinstall affectlens, or keep weights of your own in another folder and name them by their path"
        )
    return path


def save_weights(path: Path, tensors: dict[str, Tensor], meta: dict[str, Any], calibration: Calibration) -> None:
    """Write tensors with ``meta`` (labels, configuration, corpus, licence) and the calibration as one file."""
    header = {"meta": json.dumps(meta, sort_keys=True), "calibration": json.dumps(asdict(calibration), sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, str(path), metadata=header)
    path.write_bytes(in_order(path.read_bytes()))


def in_order(content: bytes) -> bytes:
    """A safetensors file with its header in order of names: the library writes it in another order each time.

    Parameters
    ----------
    content : bytes
        A whole file.

    Returns
    -------
    bytes
        The same tensors, so that the same weights are the same file with the same sha256.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # the tensors begin at a multiple of eight bytes
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], Calibration]:
    """The inverse of ``save_weights``."""
    if not path.exists():
        raise ModelError(f"{path}: these weights are not here; train them with `affectlens train` or reinstall")
    check_shipped(path)
    try:
        file_within(path)
        with safe_open(str(path), framework="pt") as handle:
            header = handle.metadata() or {}
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        calibration, meta = parse_json(header["calibration"], path), dict(parse_json(header["meta"], path))
        calibration["prior"] = tuple(calibration["prior"])
        return tensors, meta, Calibration(**calibration)
    except LimitError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path}: not readable as safetensors ({reason_of(error)}); the file is damaged, reinstall it"
        ) from error


@dataclass(frozen=True)
class WeightsFacts:
    """What a weights file of this package says of itself.

    Attributes
    ----------
    name : str
        Its name without the ending.
    labels : tuple of str
        Its classes; empty where it is no model.
    corpus, licence : str
        What it was trained on, and the licence that it inherits.
    temperature : float
        Of its calibration; NaN where it is no model.
    megabytes : float
        Size of the file.
    sha256 : str
        Of the file.
    """

    name: str
    labels: tuple[str, ...]
    corpus: str
    licence: str
    temperature: float
    megabytes: float
    sha256: str


def shipped_weights() -> list[WeightsFacts]:
    """What is known of every weights file that comes with the package, in the order of their names.

    Returns
    -------
    list of WeightsFacts
        One a file.

    Examples
    --------
    >>> [facts.name for facts in shipped_weights() if facts.labels]
    ['face', 'fusion', 'gait', 'posture', 'speech', 'voice', 'words']
    """
    return [facts_of(path) for path in sorted(weights_path("face").parent.glob("*.safetensors"))]


def facts_of(path: Path) -> WeightsFacts:
    """What a weights file says of itself; its tensors are not read."""
    header = _header(path)
    meta, calibration = (
        parse_json(header.get("meta") or header.get("about") or "{}", path),
        parse_json(header.get("calibration", "{}"), path),
    )
    return WeightsFacts(
        path.stem,
        tuple(meta.get("labels", ())),
        meta.get("corpus", ""),
        meta.get("licence", ""),
        calibration.get("temperature", float("nan")),
        path.stat().st_size / 1e6,
        sha256_of(path),
    )


def _header(path: Path) -> dict[str, str]:
    with safe_open(str(path), framework="pt") as handle:
        return dict(handle.metadata() or {})


def card_path(name: str) -> Path:
    """Where a shipped model's card lies."""
    return weights_path(name).with_suffix(".md")
