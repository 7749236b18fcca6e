"""Opening a model by what it is: a registered name, ONNX, TorchScript, a folder of transformers, a Python object, a table."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.adapters.recipe import read_recipe
from affectlens.models.adapters.table import TableModel
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.adapters.torchscript import TorchScriptModel
from affectlens.models.adapters.transformers import SoundTransformer, TextTransformer, picture_transformer
from affectlens.models.base import MODELS, Model, load_model
from affectlens.models.readers import READERS
from affectlens.models.scores import Scores, stated_scores

PICTURES = ("face", "scene", "background")  # modalities whose models are given pictures
TORCHSCRIPT = (".pt", ".pth", ".torchscript")


def open_model(
    spec: str | Path | Model,
    *,
    weights: str | Path | None = None,
    modality: str = "",
    layer: str = "",
    allow_code: bool = False,
    scores: str = "",
    preprocess: str | Callable[[Any], Any] = "",
    labels: Sequence[str] = (),
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
    scores : str
        What the numbers of a model that others made are, one of ``scores.KINDS``: softmax (logits), sigmoid (logits of labels
        that hold independently), binary (one logit), probabilities, independent (probabilities of such labels),
        binary-probability, regression (valence and arousal). Without it its own attribute ``scores``, its file or
        configuration says it; the answers are checked against that.
    preprocess : callable or str
        Makes what such a model is given of the picture, text or sound, instead of its file or configuration: a function, or
        ``module:function``.
    labels : sequence of str
        The classes in the order of the answers, of a file or ``module:name`` that does not say them, or says others.

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
        return _opened(spec, weights, layer, ModelOptions(modality, scores, preprocess, tuple(labels)))


@dataclass(frozen=True)
class ModelOptions:
    """What the caller says of a model that others made; what is empty is left to the model."""

    modality: str = ""
    scores: str = ""
    preprocess: str | Callable[[Any], Any] = ""
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        stated_scores(self.scores)
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise UsageError(f"labels {','.join(self.labels)}: different words in the order of the answers were expected")

    def preprocessing(self, own: Any = None) -> Preprocessing | None:
        """The preprocessing that the caller names, else the model's own."""
        given = self.preprocess or own
        if not given:
            return None
        if isinstance(given, str):
            return Preprocessing(imported(given, "--preprocess"), given)
        if isinstance(given, Preprocessing):
            return given
        if not callable(given):
            raise UsageError(f"preprocess {given!r}: a function, or module:function, was expected")
        return Preprocessing(given, str(getattr(given, "__name__", type(given).__name__)))

    def none_for(self, spec: str, why: str) -> None:
        """Refuse what cannot be said of a model."""
        for option, value in (("scores", self.scores), ("preprocess", self.preprocess), ("labels", ",".join(self.labels))):
            if value:
                raise UsageError(f"--{option} {value}: {spec} {why}; leave it out")


def _opened(spec: str | Path | Model, weights: str | Path | None, layer: str, options: ModelOptions) -> Model:
    if not isinstance(spec, str | Path):
        options.none_for(getattr(spec, "name", type(spec).__name__), "is open already, and was told when it was made")
        model = spec
    elif str(spec) in MODELS:
        options.none_for(str(spec), "is a registered model, which knows its own")
        model = load_model(str(spec), Path(weights) if weights is not None else None)
    else:
        if weights is not None:
            raise UsageError(f"--weights {weights}: {spec} is no registered model ({', '.join(MODELS)}); leave it out")
        model = _open_other(str(spec), options)
    return _with_layer(model, layer, str(spec)) if layer else model


def _open_other(spec: str, options: ModelOptions) -> Model:
    if options.modality and options.modality not in READERS:
        raise UsageError(
            f"--modality {options.modality}: one of {', '.join(READERS)} was expected{nearest(options.modality, READERS)}"
        )
    path, kind = Path(spec), options.modality or "face"
    if path.is_file() and path.suffix in (".onnx", *TORCHSCRIPT):
        return _of_file(path, kind, options)
    if path.is_file() and path.suffix in SUFFIXES:
        if options.preprocess:
            raise UsageError(
                f"--preprocess {options.preprocess}: {spec} is a table of answers, nothing is prepared; leave it out"
            )
        if options.labels:
            raise UsageError(f"labels {','.join(options.labels)}: the columns of {spec} name its classes; leave it out")
        return TableModel.from_file(path, kind, scores=options.scores)
    if (path / "config.json").exists():
        return _of_folder(path, kind, options)
    if ":" in spec:
        return _open_named(spec, options)
    raise UsageError(
        f"--model {spec}: neither a shipped model ({', '.join(MODELS)}), nor a file MODEL.onnx, MODEL.pt or a table, nor a "
        f"folder with config.json, nor module:name{nearest(spec, MODELS)}"
    )


def _of_file(path: Path, kind: str, options: ModelOptions) -> Model:
    """ONNX or TorchScript with its ``MODEL.json``; the graph of ONNX may say size, layout and type."""
    facts = read_recipe(path, options.labels)
    known = stated_scores(options.scores) if options.scores else facts.stated_scores()
    prepare, reader, labels = options.preprocessing(), READERS[kind], facts.recipe.labels
    if path.suffix != ".onnx":
        prepare = prepare or (Preprocessing(facts.recipe, path.name) if kind in PICTURES else None)
        return TorchScriptModel(path, labels, kind, reader=reader, prepare=prepare, scores=known, output=facts.output)
    model = OnnxModel(path, labels, kind, reader=reader, scores=known, output=facts.output, input=facts.input)
    if prepare is None and kind in PICTURES:
        prepare = Preprocessing(facts.fitted(model.shape, model.dtype), path.name)
    model.preprocessing = prepare
    return model


def _of_folder(path: Path, kind: str, options: ModelOptions) -> Model:
    if options.labels:
        raise UsageError(f"labels {','.join(options.labels)}: {path} says its own in config.json (id2label); leave it out")
    if kind in PICTURES:
        return picture_transformer(path, kind, READERS[kind], scores=options.scores, preprocess=options.preprocessing())
    if kind == "words":
        return TextTransformer(path, reader=READERS[kind], scores=options.scores, preprocess=options.preprocessing())
    if kind == "voice":
        return SoundTransformer(path, reader=READERS[kind], scores=options.scores, preprocess=options.preprocessing())
    raise UsageError(f"--model {path}: a folder of transformers reads face, scene, words or voice, not {kind}")


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
    needed = [
        parameter.name
        for parameter in parameters
        if parameter.default is parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"--model {spec}: it takes {', '.join(needed)}; a class or function that makes a model without arguments was "
            "expected, or a function of a batch with an attribute labels, the classes in the order of its answers"
        )
    return target()


def _open_named(spec: str, options: ModelOptions) -> Model:
    target = named(spec)
    if isinstance(target, Model):
        options.none_for(spec, "is a model, which knows its own")
        return target
    labels, kind = options.labels or _labels(target), options.modality or str(getattr(target, "modality", "")) or "face"
    if not labels:
        what = "network" if isinstance(target, nn.Module) else "function"
        raise UsageError(
            f"--model {spec}: give the {what} an attribute labels, the classes in the order of its answers, or name them by "
            "labels"
        )
    if kind not in READERS:
        raise UsageError(f"--model {spec}: its modality is {kind!r}; one of {', '.join(READERS)} was expected")
    own = str(getattr(target, "scores", "") or "")
    known = Scores(options.scores, "the caller") if options.scores else Scores(own, f"{spec}'s attribute scores" if own else "")
    prepare = options.preprocessing(getattr(target, "preprocess", None))
    output, meta = str(getattr(target, "output", "") or ""), {"sha256": _module_sha256(spec)}
    common: dict[str, Any] = {"name": spec, "reader": READERS[kind], "meta": meta, "scores": known, "output": output}
    if not isinstance(target, nn.Module):
        return CallableModel(target, labels, kind, prepare=prepare, **common)
    layer = str(getattr(target, "layer", ""))
    if kind not in PICTURES:
        return TorchModel(target, labels, kind, layer=layer, prepare=prepare, **common)
    given = {key: getattr(target, key) for key in ("size", "grey", "mean", "deviation") if hasattr(target, key)}
    return picture_network(target, labels, modality=kind, layer=layer, preprocess=prepare, **common, **given)


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
