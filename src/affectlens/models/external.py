"""Classifiers that others made, opened by what they are: a shipped name, ONNX, TorchScript, a Python callable, a folder of
Hugging Face's transformers. All take upright RGB crops (or texts, or sound) and give probabilities."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from affectlens.assets.store import sha256
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.base import load_model, model_names
from affectlens.models.weights import weights_path
from affectlens.stats.classification import softmax


@dataclass(frozen=True)
class Classifier:
    """``predict`` takes a list of inputs and gives probabilities ``(n, classes)`` over ``labels``."""

    name: str
    modality: str
    labels: tuple[str, ...]
    predict: Callable[[list[Any]], np.ndarray]


def open_classifier(spec: str, modality: str = "face") -> Classifier:
    """The classifier that ``spec`` names: a shipped model, ``MODEL.onnx`` or ``MODEL.pt`` (TorchScript) with ``MODEL.json``
    beside it, a folder with ``config.json``, or ``module:function``.

    ``MODEL.json`` holds ``labels`` and, for pictures, ``size``, ``grey`` (bool), ``mean`` and ``deviation`` (of values in [0,
    1]).

    Raises:
        UsageError: nothing of that kind; ModelError: a file that cannot be used.
    """
    if spec in model_names():
        return _shipped(spec)
    path = Path(spec)
    if path.suffix == ".onnx" and path.exists():
        return _onnx(path, modality)
    if path.suffix in (".pt", ".pth", ".torchscript") and path.exists():
        return _torchscript(path, modality)
    if (path / "config.json").exists():
        return _transformers(path, modality)
    if ":" in spec:
        return _callable(spec, modality)
    raise UsageError(
        f"--model {spec}: neither a shipped model ({', '.join(model_names())}), nor a file MODEL.onnx or MODEL.pt, nor a "
        f"folder with "
        "config.json, nor module:function"
    )


def stamp(spec: str) -> str:
    """What tells one state of a classifier from another: the checksum of shipped weights, size and time of files."""
    if spec in model_names():
        return sha256(weights_path(spec))
    path = Path(spec)
    if ":" in spec and not path.exists():
        found = importlib.util.find_spec(spec.partition(":")[0])
        path = Path(found.origin) if found is not None and found.origin else path
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return " ".join(f"{p.stat().st_size}-{p.stat().st_mtime_ns}" for p in files if p.exists())


def _shipped(name: str) -> Classifier:
    model = load_model(name)
    calibration = model.calibration

    def predict(items: list[Any]) -> np.ndarray:
        batch = np.stack([grey48(x) for x in items]) if name == "face" else items
        if name == "gait":
            return calibration.probabilities(model.predict(tuple(np.stack(part) for part in zip(*items, strict=True))))
        if name == "speech":
            batch = np.stack(items)
        out = [calibration.probabilities(model.predict(batch[i : i + 256])) for i in range(0, len(batch), 256)]
        return np.concatenate(out)

    return Classifier(name, model.modality, model.labels, predict)


def grey48(picture: np.ndarray) -> np.ndarray:
    """A picture ``(h, w)`` or ``(h, w, 3)`` uint8 as the face model takes it, ``(48, 48)``."""
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return grey if grey.shape == (48, 48) else np.asarray(cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA))


@dataclass(frozen=True)
class Recipe:
    """How pictures become a network's input ``(n, channels, size, size)`` float32: values in [0, 1], less ``mean``, over
    ``deviation``."""

    labels: tuple[str, ...]
    size: int
    grey: bool
    mean: np.ndarray
    deviation: np.ndarray

    def __call__(self, items: list[np.ndarray]) -> np.ndarray:
        out = []
        for x in items:
            if self.grey:
                x = x if x.ndim == 2 else cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)
            elif x.ndim == 2:
                x = cv2.cvtColor(x, cv2.COLOR_GRAY2RGB)
            x = cv2.resize(x, (self.size, self.size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
            out.append(x[None] if x.ndim == 2 else x.transpose(2, 0, 1))
        shape = (-1, 1, 1)
        return np.asarray((np.stack(out) - self.mean.reshape(shape)) / self.deviation.reshape(shape), dtype=np.float32)


def _recipe(path: Path) -> Recipe:
    beside = path.with_suffix(".json")
    if not beside.exists():
        raise ModelError(f"{beside} is not there; it has to hold labels, size, grey, mean and deviation of {path.name}")
    held = json.loads(beside.read_text(encoding="utf-8"))
    if "labels" not in held:
        raise ModelError(f"{beside}: no labels in it")
    grey = bool(held.get("grey", False))
    mean, deviation = (np.atleast_1d(np.array(held.get(k, d), np.float32)) for k, d in (("mean", 0.0), ("deviation", 1.0)))
    return Recipe(tuple(held["labels"]), int(held.get("size", 224)), grey, mean, deviation)


def _distribution(out: np.ndarray, labels: tuple[str, ...], path: object) -> np.ndarray:
    if out.ndim != 2 or out.shape[1] != len(labels):
        raise ModelError(f"{path}: answers of shape {out.shape}; (n, {len(labels)}) for {', '.join(labels)} was expected")
    if not np.isfinite(out).all():
        raise ModelError(f"{path}: answers that are not numbers")
    whole = out.min() >= 0 and np.allclose(out.sum(axis=1), 1, atol=1e-3)
    return np.asarray(out, dtype=np.float64) if whole else softmax(np.asarray(out, dtype=np.float64))


def _onnx(path: Path, modality: str) -> Classifier:
    import onnxruntime

    recipe = _recipe(path)
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path}: not a readable ONNX model ({error})") from error
    name = session.get_inputs()[0].name

    def predict(items: list[Any]) -> np.ndarray:
        out = [session.run(None, {name: recipe(items[i : i + 64])})[0] for i in range(0, len(items), 64)]
        return _distribution(np.concatenate(out), recipe.labels, path)

    return Classifier(path.stem, modality, recipe.labels, predict)


def _torchscript(path: Path, modality: str) -> Classifier:
    import torch

    recipe = _recipe(path)
    try:
        net = torch.jit.load(str(path), map_location="cpu").eval()
    except Exception as error:
        raise ModelError(
            f"{path}: not readable as TorchScript ({error}); save it with torch.jit.trace(net, x).save(path)"
        ) from error

    def predict(items: list[Any]) -> np.ndarray:
        with torch.inference_mode():
            out = [net(torch.from_numpy(recipe(items[i : i + 64]))).numpy() for i in range(0, len(items), 64)]
        return _distribution(np.concatenate(out), recipe.labels, path)

    return Classifier(path.stem, modality, recipe.labels, predict)


def _transformers(path: Path, modality: str) -> Classifier:
    try:
        from transformers import pipeline
    except ImportError as error:
        raise ModelError(f"{path} needs transformers: pip install transformers") from error
    task = {"voice": "audio-classification", "words": "text-classification"}.get(modality, "image-classification")
    made = pipeline(task, model=str(path), device="cpu", top_k=None)
    names = made.model.config.id2label
    labels = tuple(names[i] for i in range(len(names)))

    def predict(items: list[Any]) -> np.ndarray:
        from PIL import Image

        given = [Image.fromarray(x).convert("RGB") for x in items] if task.startswith("image") else list(items)
        out = [{a["label"]: a["score"] for a in answers} for answers in made(given)]
        return _distribution(np.array([[a[k] for k in labels] for a in out]), labels, path)

    return Classifier(path.name, modality, labels, predict)


def imported(spec: str, option: str) -> Any:
    """What ``module:name`` names, from the folder at hand or what is installed; ``option`` is named in errors.

    Raises:
        UsageError: no such module or name.
    """
    module, _, name = spec.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{option} {spec}: {error}; a name in a module that can be imported from here was expected") from error
    finally:
        sys.path.pop(0)


def _callable(spec: str, modality: str) -> Classifier:
    function = imported(spec, "--model")
    labels = tuple(getattr(function, "labels", ()))
    if not labels:
        raise UsageError(f"--model {spec}: give the function an attribute labels, the classes in the order of its answers")
    return Classifier(spec, modality, labels, lambda items: _distribution(np.asarray(function(items)), labels, spec))
