"""What a model is to this package: what it reads, what it gives, and the registry of those that are opened by name."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from affectlens.core.errors import ModelError, UsageError
from affectlens.core.registry import Registry
from affectlens.corpora.base import Item
from affectlens.models.scores import SOFTMAX, Scores
from affectlens.stats.classification import softmax


@runtime_checkable
class Model(Protocol):
    """A classifier of expressed emotion, whoever made it.

    Attributes
    ----------
    name : str
        What pages and errors call it.
    modality : str
        What it looks at: face, words, voice, gait, posture, background, scene, utterances or fused.
    labels : tuple of str
        Its classes, in the order of its answers.
    meta : dict
        What is known of it: ``corpus`` and ``licence`` it was trained under, ``sha256`` of its weights.

    Notes
    -----
    A model may have ``scores`` (``models.scores.Scores``), what its numbers are and how that is known; without it they are
    logits of classes of which one holds. Where labels hold independently, each probability is by itself in [0, 1]; a model of
    valence and arousal has no probabilities, its values are what ``predict`` and ``outputs`` give.
    """

    name: str
    modality: str
    labels: tuple[str, ...]
    meta: dict[str, Any]

    def read(self, item: Any) -> Any:
        """Make the model's input of one item of a corpus, or of the bare picture, text, sound or motion.

        Raises
        ------
        ModelError
            It cannot be read; the message is the reason.
        """
        ...

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32 of ``n`` inputs as ``read`` gives them."""
        ...

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Calibrated probabilities ``(n, classes)`` float64; each row sums to one where one class holds."""
        ...


@runtime_checkable
class WhiteBox(Model, Protocol):
    """A model whose inside can be read: named layers, their activations and gradients.

    Attributes
    ----------
    layers : tuple of str
        Names that ``activations`` and ``gradients`` accept.
    layer : str
        The one that maps are drawn of.
    """

    layer: str

    @property
    def layers(self) -> tuple[str, ...]:
        """Names that ``activations`` and ``gradients`` accept."""
        ...

    def activations(self, inputs: Any, layer: str) -> np.ndarray:
        """Activations ``(n, ...)`` float32 of a named layer."""
        ...

    def gradients(self, inputs: Any, layer: str, target: int | str) -> np.ndarray:
        """Gradient of the target's logit with respect to the layer, ``(n, ...)`` float32."""
        ...


@dataclass(frozen=True)
class Calibration:
    """What was fitted on validation data.

    Attributes
    ----------
    temperature : float
        Divides the logits (Guo et al. 2017).
    conformal : float
        Classes with probability at least ``1 - conformal`` form the set that covers the label with probability ``coverage``.
    coverage : float
        In (0, 1).
    reliability : float
        In [0, 1], the share of label entropy that the calibrated probabilities explain.
    prior : tuple of float
        Class shares of the training corpus, or empty.
    """

    temperature: float = 1.0
    conformal: float = 1.0
    coverage: float = 0.9
    reliability: float = 0.5
    prior: tuple[float, ...] = ()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of logits.

        Parameters
        ----------
        logits : numpy.ndarray
            ``(n, classes)``.

        Returns
        -------
        numpy.ndarray
            ``(n, classes)`` float64; each row sums to one.

        Examples
        --------
        >>> Calibration(temperature=2.0).probabilities(np.array([[0.0, 0.0]]))
        array([[0.5, 0.5]])
        """
        return softmax(np.asarray(logits, dtype=np.float64) / self.temperature)

    def conformal_set(self, probabilities: np.ndarray, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Classes in the prediction set of one distribution ``(classes,)``, most probable first; at least the top one."""
        order = np.argsort(-probabilities, kind="stable")
        inside = [labels[place] for place in order if probabilities[place] >= 1 - self.conformal]
        return tuple(inside) or (labels[int(order[0])],)


class BaseModel:
    """What models share: data is read as it is, and probabilities are the calibrated logits.

    Parameters
    ----------
    name, modality, labels, meta
        See ``Model``.
    calibration : Calibration
        The identity where nothing was fitted.
    reader : callable, optional
        Makes an item of a corpus a datum; without it that is what the item holds.
    prepare : callable, optional
        Makes a datum the model's input; without it that is the datum itself.

    Attributes
    ----------
    scores : Scores
        What its numbers are, and how that is known.
    """

    contextual: ClassVar[bool] = False  # whether the answer to one input depends on the others it is asked with

    def __init__(
        self,
        name: str,
        modality: str,
        labels: Iterable[str],
        meta: dict[str, Any] | None = None,
        calibration: Calibration | None = None,
        *,
        reader: Callable[[Any], Any] | None = None,
        prepare: Callable[[Any], Any] | None = None,
    ) -> None:
        self.name, self.modality, self.labels = name, modality, tuple(labels)
        self.meta: dict[str, Any] = dict(meta or {})
        self.calibration = calibration or Calibration()
        self._reader, self._prepare = reader or data_of, prepare
        self.scores = Scores(SOFTMAX, "the contract of models")

    @property
    def preprocessing(self) -> Callable[[Any], Any] | None:
        """What makes a datum the model's input; None where that is the datum itself, or the class's own work."""
        return self._prepare

    @preprocessing.setter
    def preprocessing(self, prepare: Callable[[Any], Any] | None) -> None:
        self._prepare = prepare

    def read(self, item: Any) -> Any:
        """The model's input of one item of a corpus, or of a bare datum."""
        return self.prepare(self._reader(item))

    def with_reader(self, reader: Callable[[Any], Any]) -> Self:
        """The same model, given what ``reader`` makes of an item."""
        made = copy.copy(self)
        made._reader = reader
        return made

    def prepare(self, datum: Any) -> Any:
        """The input of a datum in which nothing has to be looked for: a whole picture, an upright crop, a text."""
        return self._prepare(datum) if self._prepare is not None else datum

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        raise NotImplementedError

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Calibrated probabilities ``(n, classes)`` float64; each row sums to one where one class holds."""
        return self.scores.probabilities(np.asarray(self.predict(inputs), np.float64) / self.calibration.temperature)

    def outputs(self, inputs: Any) -> np.ndarray:
        """Probabilities, or of a regression the values, ``(n, labels)`` float64."""
        if self.scores.are_probabilities:
            return np.asarray(self.probabilities(inputs))
        return np.asarray(self.predict(inputs), np.float64)


def data_of(item: Any) -> Any:
    """What an item of a corpus holds; anything else is taken as the data itself.

    Returns
    -------
    Any
        A picture, text, sound, motion, or features.

    Raises
    ------
    ModelError
        An item that could not be read, with its reason.
    """
    if not isinstance(item, Item):
        return item
    if item.data is None:
        raise ModelError(item.problem or f"{item.key}: no data")
    return item.data


Loader = Callable[..., Any]
MODELS: Registry[tuple[str, Loader]] = Registry("model", "affectlens.models")


def register_model(name: str, needs: str = "") -> Callable[[Loader], Loader]:
    """Decorator: make a model available by name.

    Parameters
    ----------
    name : str
        The name by which ``open_model`` opens it.
    needs : str
        Where its weights are to be had, when it cannot be opened without; the decorated class or function then takes their
        path, and otherwise no argument or a path.

    Returns
    -------
    callable
        The decorator.
    """

    def add(loader: Loader) -> Loader:
        MODELS.add(name, (needs, loader))
        return loader

    return add


def model_names() -> list[str]:
    """Names of the models that open without further weights."""
    return [name for name in MODELS.names() if not MODELS.get(name)[0]]


def assets_of(model: object) -> tuple[str, ...]:
    """Third-party assets that a registered model needs; of other models none."""
    known = isinstance(model, str | Path) and str(model) in MODELS
    return getattr(MODELS.get(str(model))[1], "assets", ()) if known else ()


def load_model(name: str, weights: Path | None = None) -> Any:
    """The registered model of that name, ready to predict.

    Parameters
    ----------
    name : str
        See ``model_names``.
    weights : Path, optional
        Other weights of the same model, for example of a training run.

    Returns
    -------
    Model
        Of the class that was registered.

    Raises
    ------
    UsageError
        No such model (the message has near names), or one that needs weights.

    Examples
    --------
    >>> model = load_model("gait")
    >>> model.modality, model.labels
    ('gait', ('anger', 'happiness', 'neutral', 'sadness'))
    >>> load_model("gate")
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: unknown model 'gate'; did you mean gait or face?
    """
    needs, loader = MODELS.get(name)
    if needs and weights is None:
        raise UsageError(f"--model {name} needs --weights FILE; {needs}")
    return loader(Path(weights)) if weights else loader()
