"""What a folder of transformers promises, read before a network is made of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import read_json

_MOST = {"layers": 500, "size": 2_000_000}
_COUNTED = re.compile(r"(layers|blocks|depth|stages|experts)s?$")
_SIZED = re.compile(r"(size|dim|dims|heads|labels|channels|groups|positions|features|width|kernel|stride)s?$")


def check_folder(folder: Path) -> None:
    """See that the JSON files of a folder of transformers can be read, bring no code and promise no network beyond all sizes.

    Parameters
    ----------
    folder : Path
        The saved model.

    Raises
    ------
    ModelError
        A file that cannot be read, code of its own, or a number of layers or units that no network has.
    """
    for file in sorted(folder.glob("*.json")):
        facts = read_json(file, ModelError)
        if file.name == "config.json":
            if not isinstance(facts, dict):
                raise ModelError(f"{file}: the configuration of a network was expected")
            if "auto_map" in facts or "custom_pipelines" in facts:
                raise ModelError(f"{file}: the network brings code of its own, which is not run; save one of transformers' own")
            _check_sizes(facts, file)


def _check_sizes(facts: Any, file: Path, name: str = "") -> None:
    if isinstance(facts, dict):
        for key, value in facts.items():
            _check_sizes(value, file, str(key))
    elif isinstance(facts, list):
        for value in facts:
            _check_sizes(value, file, name)
    elif isinstance(facts, int):
        most = _MOST["layers"] if _COUNTED.search(name) else _MOST["size"] if _SIZED.search(name) else None
        if most is not None and abs(facts) > most:
            raise ModelError(f"{file}: {name} = {facts}, more than any network has ({most:,})")
