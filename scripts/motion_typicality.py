"""Typicality of the gait and posture weights, fitted without training them again, and how often walkers are refused.

    python scripts/motion_typicality.py /corpora/bandai src/affectlens/weights

`affectlens train gait` and `train posture` fit the same. The files are written anew in the folder, and the line of each in
SHA256SUMS; printed is the share of inputs of a type of motion that typicality was not fitted on, below the level.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.disk.files import sha256_of, write_text
from affectlens.features.motion import gait_windows, postures
from affectlens.learning.export import export
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.trainers.motion import gait_typicality, posture_typicality
from affectlens.learning.typicality import Typicality
from affectlens.models.shipped.gait import GaitModel
from affectlens.models.shipped.posture import PostureModel
from affectlens.models.typicality import LEAST_TYPICAL


def recipe_of(model: Any, kind: Any) -> Any:
    """The recipe that the weights were made by."""
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in model.meta["recipe"].items() if name in known})


def refused(data: Any, fit: Callable[[Any], Typicality], features: Callable[[Any], np.ndarray]) -> float:
    """Share of inputs below the level, each type of motion by a fit on the others."""
    low = []
    for motion in sorted(set(data.rows.motion)):
        out = (data.rows.motion == motion).to_numpy()
        low.append(fit(data.take(~out)).p_values(features(data.take(out))) < LEAST_TYPICAL)
    return float(np.concatenate(low).mean())


def ship(model: Any, typicality: Typicality, folder: Path) -> None:
    """The same weights with another typicality."""
    path = folder / f"{model.name}.safetensors"
    calibration = replace(model.calibration, reliability=0.0)  # as the recipe has it: nobody of other rigs was measured
    tensors = {**model.net.state_dict(), **{name: torch.from_numpy(part) for name, part in typicality.to_tensors().items()}}
    export(path, tensors, {name: value for name, value in model.meta.items() if name != "sha256"}, calibration)
    table = folder / "SHA256SUMS"
    digests = {name: digest for digest, _, name in (line.partition("  ") for line in table.read_text().splitlines())}
    digests[path.name] = sha256_of(path, fresh=True)
    write_text(table, "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)))


def main() -> None:
    """Fit, measure, write."""
    corpus, folder = Path(sys.argv[1]), Path(sys.argv[2])
    gait, posture = GaitModel(folder / "gait.safetensors"), PostureModel(folder / "posture.safetensors")
    windows, skeletons = gait_windows(corpus), postures(corpus)

    def fit_gait(data: Any) -> Typicality:
        return gait_typicality(gait.net, data, (gait.mean, gait.deviation), recipe_of(gait, GaitRecipe))

    def fit_posture(data: Any) -> Typicality:
        return posture_typicality(posture.net, data, recipe_of(posture, PostureRecipe))

    shares = {
        "gait": refused(windows, fit_gait, lambda data: gait.deep((data.joints, data.features))),
        "posture": refused(skeletons, fit_posture, lambda data: posture.directions(data.joints)),
    }
    for name, share in shares.items():
        print(f"{name}: {share:.3f} of the inputs of a motion that was left out are below {LEAST_TYPICAL:g}")
    ship(gait, fit_gait(windows), folder)
    ship(posture, fit_posture(skeletons), folder)


if __name__ == "__main__":
    main()
