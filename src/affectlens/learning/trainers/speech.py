"""Training of the small speech autoencoders, and the classifiers they are compared with, under one fit/predict_proba."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from affectlens.core.errors import CorpusError, UsageError, unknown
from affectlens.learning.balance import class_weights
from affectlens.learning.loop import seeded, train_rows
from affectlens.learning.recipes.speech import BASELINES, SpeechRecipe
from affectlens.models.nets.names import KINDS
from affectlens.models.nets.speech import SpeechNet, SpeechNetConfig, reparametrised
from affectlens.stats.classification import softmax


class Classifier(Protocol):
    """``fit`` on normalised features and class indices, then ``predict_proba``; ``unlabelled`` rows may help."""

    def fit(self, x: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None = None) -> Classifier:
        """Learn from features ``(n, features)`` and class indices ``(n,)``."""
        ...

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, classes)``."""
        ...


def train_net(
    x: np.ndarray,
    y: np.ndarray,
    config: SpeechNetConfig,
    recipe: SpeechRecipe,
    unlabelled: np.ndarray | None = None,
) -> SpeechNet:
    """Train an autoencoder.

    Parameters
    ----------
    x : numpy.ndarray
        Normalised features ``(n, features)``.
    y : numpy.ndarray
        Class indices ``(n,)``.
    config : SpeechNetConfig
        Kind and shape of the network.
    recipe : SpeechRecipe
        How it is trained.
    unlabelled : numpy.ndarray, optional
        Features ``(m, features)`` that are rebuilt too but carry no label.

    Returns
    -------
    SpeechNet
        Trained.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    more = np.zeros((0, x.shape[1])) if unlabelled is None else unlabelled
    features = torch.from_numpy(np.concatenate([x, more]).astype(np.float32))
    labels = torch.from_numpy(np.concatenate([y, -np.ones(len(more))]).astype(np.int64))
    class_weight = class_weights(y, config.classes)
    corrupts = config.kind in ("denoising", "semi-supervised")

    def loss(rows: Tensor) -> Tensor:
        clean = features[rows]
        noisy = clean
        if corrupts:
            noisy = clean + recipe.noise * torch.randn(clean.shape, generator=generator)
            noisy = noisy * (torch.rand(clean.shape, generator=generator) >= recipe.mask)
        mean, log_variance = net.encode(noisy)
        total = F.mse_loss(net.decode(reparametrised(mean, log_variance, generator)), clean)
        if log_variance is not None:
            total = total + recipe.divergence * 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
        labelled = labels[rows] >= 0
        if config.kind == "semi-supervised" and labelled.any():
            logits = net.head(mean[labelled])
            total = total + recipe.supervision * F.cross_entropy(
                logits, labels[rows][labelled], weight=class_weight, label_smoothing=recipe.smoothing
            )
        return total

    with seeded(recipe.seed):
        net = SpeechNet(config)
        train_rows(net, recipe, len(features), loss, generator)
    return net


class SpeechAutoencoder:
    """An autoencoder with a probe on its latent: logistic regression, or in a semi-supervised net its own head."""

    def __init__(self, kind: str = "", recipe: SpeechRecipe | None = None, **config: Any) -> None:
        self.recipe = recipe or SpeechRecipe()
        kind = kind or self.recipe.kind
        if kind not in KINDS:
            raise unknown("autoencoder", kind, list(KINDS))
        self.config = SpeechNetConfig(kind=kind, **config)
        self.net: SpeechNet | None = None
        self.probe: Any = None

    def fit(self, x: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None = None) -> SpeechAutoencoder:
        """Learn from normalised features ``(n, features)``; at least two classes must occur."""
        _check_two(y)
        config = replace(self.config, features=x.shape[1], classes=max(self.config.classes, int(y.max()) + 1))
        self.net = train_net(x, y, config, self.recipe, unlabelled)
        if config.kind != "semi-supervised":
            latent = self.encode(x)
            self._scale = StandardScaler().fit(latent)
            self.probe = logistic(0.1).fit(self._scale.transform(latent), y)
        return self

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Latents ``(n, latent)``."""
        with torch.inference_mode():
            return np.asarray(self._trained().encode(torch.from_numpy(x.astype(np.float32)))[0].numpy(), dtype=np.float64)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Normalised features ``(n, features)`` of latents."""
        with torch.inference_mode():
            return np.asarray(self._trained().decode(torch.from_numpy(z.astype(np.float32))).numpy(), dtype=np.float64)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, classes)``."""
        net = self._trained()
        if self.probe is not None:
            return _widened(self.probe, self._scale.transform(self.encode(x)), net.config.classes)
        with torch.inference_mode():
            return np.asarray(net(torch.from_numpy(x.astype(np.float32))).softmax(1).numpy(), dtype=np.float64)

    def _trained(self) -> SpeechNet:
        if self.net is None:
            raise UsageError("fit the model first")
        return self.net


class Baseline:
    """A scikit-learn classifier on the features themselves."""

    def __init__(self, make: Callable[[], Any], classes: int = 4) -> None:
        self._make, self._classes = make, classes
        self.model: Any = None

    def fit(self, x: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None = None) -> Baseline:
        """Learn; ``unlabelled`` is not used."""
        _check_two(y)
        self.model = self._make().fit(x, y)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, classes)``."""
        return _widened(self.model, x, self._classes)


def _check_two(y: np.ndarray) -> None:
    if len(np.unique(y)) < 2:
        raise CorpusError(f"only one class in {len(y)} clips; a classifier needs two")


def _widened(model: Any, x: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities with a column for every class, also for those that training did not hold."""
    out = np.zeros((len(x), classes))
    out[:, model.classes_] = model.predict_proba(x)
    return out


def logistic(strength: float = 0.05) -> LogisticRegression:
    """Balanced logistic regression with inverse penalty ``strength``."""
    return LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")


class _Machine:
    """A support vector machine whose votes are made into probabilities by a softmax over its decision values."""

    def __init__(self) -> None:
        from sklearn.svm import SVC

        # The seed changes nothing in it, but without one it would draw from numpy's global state.
        self._svm = SVC(C=1.0, gamma="scale", class_weight="balanced", decision_function_shape="ovr", random_state=0)

    def fit(self, x: np.ndarray, y: np.ndarray) -> _Machine:
        self._svm.fit(x, y)
        self.classes_ = self._svm.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        votes = self._svm.decision_function(x)
        if votes.ndim == 1:
            votes = np.stack([-votes, votes], axis=1)
        return softmax(votes)


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, class_weight="balanced", random_state=seed)


def make_classifier(name: str, seed: int = 0, recipe: SpeechRecipe | None = None) -> Classifier:
    """A fresh classifier.

    Parameters
    ----------
    name : str
        One of ``KINDS`` of autoencoders, or of ``BASELINES`` on the features.
    seed : int
        Of its training.
    recipe : SpeechRecipe, optional
        How autoencoders are trained.

    Returns
    -------
    Classifier
        Not fitted yet.

    Raises
    ------
    UsageError
        No such classifier.
    """  # noqa: DOC501
    if name in KINDS:
        return SpeechAutoencoder(name, replace(recipe or SpeechRecipe(), seed=seed))
    if name == "logistic":
        return Baseline(logistic)
    if name == "svm":
        return Baseline(_Machine)
    if name == "boosting":
        return Baseline(lambda: _boosting(seed))
    raise unknown("speech model", name, [*KINDS, *BASELINES])
