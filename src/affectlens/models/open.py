"""Opening a model by what it is: a registered name, ONNX, TorchScript, a folder of transformers, a Python object, a table."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from torch import nn

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import UsageError
from affectlens.core.settings import nearest
from affectlens.core.untrusted.code import allowing
from affectlens.models.adapters.function import CallableModel
from affectlens.models.adapters.onnx import OnnxModel
from affectlens.models.adapters.pictures import picture_network
from affectlens.models.adapters.predictions import SUFFIXES
from affectlens.models.adapters.recipe import read_recipe
from affectlens.models.adapters.table import TableModel
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.adapters.torchscript import TorchScriptModel
from affectlens.models.adapters.transformers import TransformersModel, picture_transformer
from affectlens.models.base import MODELS, Model, load_model
from affectlens.models.readers import READERS, picture_of

PICTURES = ("face", "scene", "background")  # modalities whose models are given pictures
TORCHSCRIPT = (".pt", ".pth", ".torchscript")


def open_model(
    spec: str | Path | Model,
    *,
    weights: str | Path | None = None,
    modality: str = "",
    layer: str = "",
    allow_code: bool = False,
) -> Model:
    """Open a model; nothing is fetched.

    Parameters
    ----------
    spec : str, Path or Model
        A registered name (``affectlens models ls``); ``MODEL.onnx`` or ``MODEL.pt`` (TorchScript) with ``MODEL.json`` beside
        it; a folder with ``config.json`` (transformers); ``module:name`` of a model, a ``torch.nn.Module`` or a function with
        an attribute ``labels``, or of what makes one; a csv, tsv, txt, json or parquet table of predictions, also as
        Py-Feat, OpenFace, LibreFace, DeepFace and FaceReader write them. A model that is open already is given back as it is.
    weights : str or Path, optional
        Other weights of a registered model.
    modality : str
        What a model that others made is given: face (an upright crop of the largest face), scene (the whole picture), words
        (a text), voice (a sound at 16 kHz), gait (a motion), posture (a skeleton). By default its own attribute, else face.
    layer : str
        The layer that maps are drawn of, instead of the model's own choice.
    allow_code : bool
        Whether a file may bring code of its own: TorchScript with more than the usual operators of networks. Files that are
        data bring none; ``module:name`` is code that you name yourself.

    Returns
    -------
    Model
        Ready to read and predict; ``meta["sha256"]`` tells one state of its weights from another.

    Raises
    ------
    UsageError
        Nothing of that kind, or an option that does not fit it.
    ModelError
        A file that cannot be used, or no such layer.

    Examples
    --------
    >>> model = open_model("gait")
    >>> model.modality, model.labels
    ('gait', ('anger', 'happiness', 'neutral', 'sadness'))
    """
    with allowing(allow_code):
        return _opened(spec, weights, modality, layer)


def _opened(spec: str | Path | Model, weights: str | Path | None, modality: str, layer: str) -> Model:
    if not isinstance(spec, str | Path):
        model = spec
    elif str(spec) in MODELS:
        model = load_model(str(spec), Path(weights) if weights is not None else None)
    else:
        if weights is not None:
            raise UsageError(f"--weights {weights}: {spec} is no registered model ({', '.join(MODELS)}); leave it out")
        model = _open_other(str(spec), modality)
    return _with_layer(model, layer, str(spec)) if layer else model


def _open_other(spec: str, modality: str) -> Model:
    path = Path(spec)
    if modality and modality not in READERS:
        raise UsageError(f"--modality {modality}: one of {', '.join(READERS)} was expected{nearest(modality, READERS)}")
    if path.is_file() and path.suffix in (".onnx", *TORCHSCRIPT):
        recipe, kind = read_recipe(path), modality or "face"
        prepare = recipe if kind in PICTURES else None
        made = OnnxModel if path.suffix == ".onnx" else TorchScriptModel
        return made(path, recipe.labels, kind, reader=READERS[kind], prepare=prepare)
    if path.is_file() and path.suffix in SUFFIXES:
        return TableModel.from_file(path, modality or "face")
    if (path / "config.json").exists():
        kind = modality or "face"
        if kind in PICTURES:
            return picture_transformer(path, kind, READERS[kind])
        if kind in ("words", "voice"):
            return TransformersModel(path, kind, reader=READERS[kind])
        raise UsageError(f"--model {spec}: a folder of transformers reads face, scene, words or voice, not {kind}")
    if ":" in spec:
        return _open_named(spec, modality)
    raise UsageError(
        f"--model {spec}: neither a shipped model ({', '.join(MODELS)}), nor a file MODEL.onnx, MODEL.pt or a table, nor a "
        f"folder with config.json, nor module:name{nearest(spec, MODELS)}"
    )


def named(spec: str) -> Any:
    """The object that ``module:name`` names as a model; a class, or a function without ``labels``, is called to make it.

    Returns
    -------
    Any
        A model, a network, or a function.

    Raises
    ------
    UsageError
        No such name, or something that is neither a model nor makes one.
    """
    target = imported(spec, "--model")
    makes_one = isinstance(target, type) or not (isinstance(target, nn.Module) or _labels(target))
    if not callable(target) or not makes_one:
        return target
    parameters = inspect.signature(target).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if needed:
        raise UsageError(
            f"--model {spec}: it takes {', '.join(needed)}; a class or function that makes a model without arguments was "
            "expected, or a function of a batch with an attribute labels, the classes in the order of its answers"
        )
    return target()


def _open_named(spec: str, modality: str) -> Model:
    target = named(spec)
    if isinstance(target, Model):
        return target
    labels, kind = _labels(target), modality or str(getattr(target, "modality", "")) or "face"
    if not labels:
        what = "network" if isinstance(target, nn.Module) else "function"
        raise UsageError(f"--model {spec}: give the {what} an attribute labels, the classes in the order of its answers")
    meta = {"sha256": _module_sha256(spec)}
    if not isinstance(target, nn.Module):
        return CallableModel(target, labels, kind, name=spec, reader=READERS[kind], meta=meta)
    layer = str(getattr(target, "layer", ""))
    if kind not in PICTURES:
        return TorchModel(target, labels, kind, name=spec, layer=layer, reader=READERS[kind], meta=meta)
    given = {k: getattr(target, k) for k in ("size", "grey", "mean", "deviation") if hasattr(target, k)}
    reader = READERS.get(kind, picture_of)
    return picture_network(target, labels, name=spec, modality=kind, layer=layer, reader=reader, meta=meta, **given)


def _labels(target: Any) -> tuple[str, ...]:
    return tuple(getattr(target, "labels", ()))


def _module_sha256(spec: str) -> str:
    """Checksum of the file that a ``module:name`` comes from."""
    module = sys.modules[spec.partition(":")[0]]
    file = getattr(module, "__file__", None)
    return sha256_of(Path(file)) if file else ""


def _with_layer(model: Model, layer: str, spec: str) -> Model:
    if not isinstance(model, TorchModel):
        raise UsageError(f"--layer {layer}: {spec} is a black box, it has no layers to draw")
    model.module(layer)
    model.layer = layer
    return model


def imported(spec: str, option: str) -> Any:
    """What ``module:name`` names, from the folder at hand or what is installed; ``option`` is named in errors.

    Returns
    -------
    Any
        The object of that name.

    Raises
    ------
    UsageError
        No such module or name.
    """
    module, _, name = spec.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise UsageError(f"{option} {spec}: a name in a module that can be imported from here was expected, not a path")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{option} {spec}: {error}; a name in a module that can be imported from here was expected") from error
    finally:
        sys.path.pop(0)
