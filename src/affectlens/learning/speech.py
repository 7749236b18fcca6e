"""Training of the small speech autoencoders, and the classifiers they are compared with, under one fit/predict_proba."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from affectlens.core.errors import UsageError, unknown
from affectlens.learning.balance import class_weights
from affectlens.models.nets.speech import KINDS, SpeechNet, SpeechNetConfig, reparametrised


@dataclass(frozen=True)
class SpeechRecipe:
    """Every choice of training. ``mask`` is the share of features dropped and ``noise`` the deviation of what is added to the
    others, in a denoising net; ``supervision`` weighs the classifier's loss against the reconstruction's."""

    epochs: int = 60
    batch: int = 64
    rate: float = 3e-3
    weight_decay: float = 1e-2
    mask: float = 0.3
    noise: float = 0.3
    supervision: float = 1.0
    smoothing: float = 0.1
    divergence: float = 0.05
    seed: int = 0


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
    """Train on features ``(n, features)`` and class indices; ``unlabelled`` features are rebuilt too but carry no label."""
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    net = SpeechNet(config)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    more = np.zeros((0, x.shape[1])) if unlabelled is None else unlabelled
    features = torch.from_numpy(np.concatenate([x, more]).astype(np.float32))
    labels = torch.from_numpy(np.concatenate([y, -np.ones(len(more))]).astype(np.int64))
    class_weight = class_weights(y, config.classes)
    steps = -(-len(features) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    corrupts = config.kind in ("denoising", "semi-supervised")
    net.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(len(features), generator=generator)
        for rows in order.split(recipe.batch):
            clean = features[rows]
            given = clean
            if corrupts:
                given = clean + recipe.noise * torch.randn(clean.shape, generator=generator)
                given = given * (torch.rand(clean.shape, generator=generator) >= recipe.mask)
            mean, log_variance = net.encode(given)
            loss = F.mse_loss(net.decode(reparametrised(mean, log_variance, generator)), clean)
            if log_variance is not None:
                loss = loss + recipe.divergence * 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()
            known = labels[rows] >= 0
            if config.kind == "semi-supervised" and known.any():
                logits = net.head(mean[known])
                loss = loss + recipe.supervision * F.cross_entropy(
                    logits, labels[rows][known], weight=class_weight, label_smoothing=recipe.smoothing
                )
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


class SpeechAutoencoder:
    """An autoencoder with a probe on its latent: logistic regression, or in a semi-supervised net its own head."""

    def __init__(self, kind: str = "semi-supervised", recipe: SpeechRecipe | None = None, **config: Any) -> None:
        if kind not in KINDS:
            raise unknown("autoencoder", kind, list(KINDS))
        self.config = SpeechNetConfig(kind=kind, **config)
        self.recipe = recipe or SpeechRecipe()
        self.net: SpeechNet | None = None
        self.probe: Any = None

    def fit(self, x: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None = None) -> SpeechAutoencoder:
        """Learn from normalised features ``(n, features)``; at least two classes must occur."""
        if len(np.unique(y)) < 2:
            raise UsageError(f"only one class in {len(y)} clips; a classifier needs two")
        config = replace(self.config, features=x.shape[1], classes=max(self.config.classes, int(y.max()) + 1))
        self.net = train_net(x, y, config, self.recipe, unlabelled)
        if config.kind != "semi-supervised":
            z = self.encode(x)
            self._scale = StandardScaler().fit(z)
            self.probe = logistic(0.1).fit(self._scale.transform(z), y)
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
        if len(np.unique(y)) < 2:
            raise UsageError(f"only one class in {len(y)} clips; a classifier needs two")
        self.model = self._make().fit(x, y)
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, classes)``."""
        return _widened(self.model, x, self._classes)


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

        self._svm = SVC(C=1.0, gamma="scale", class_weight="balanced", decision_function_shape="ovr")

    def fit(self, x: np.ndarray, y: np.ndarray) -> _Machine:
        self._svm.fit(x, y)
        self.classes_ = self._svm.classes_
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        votes = self._svm.decision_function(x)
        if votes.ndim == 1:
            votes = np.stack([-votes, votes], axis=1)
        powers = np.exp(votes - votes.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, class_weight="balanced", random_state=seed)


BASELINES = ("logistic", "svm", "boosting")


def make_classifier(name: str, seed: int = 0, recipe: SpeechRecipe | None = None) -> Classifier:
    """A fresh classifier: one of ``KINDS`` of autoencoders, trained by ``recipe`` with ``seed``, or of ``BASELINES`` on the
    features."""
    if name in KINDS:
        return SpeechAutoencoder(name, replace(recipe or SpeechRecipe(), seed=seed))
    if name == "logistic":
        return Baseline(logistic)
    if name == "svm":
        return Baseline(_Machine)
    if name == "boosting":
        return Baseline(lambda: _boosting(seed))
    raise unknown("speech model", name, [*KINDS, *BASELINES])
