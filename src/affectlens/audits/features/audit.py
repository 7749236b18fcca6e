"""What every acoustic feature does for a speech model: permutation (marginal, conditional, by group), left out and trained
again, Shapley; each measured on people that were not heard in training, with tests over people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.model_selection import StratifiedGroupKFold

from affectlens.core.schema import write_frame
from affectlens.explainers.shapley import group_shapley
from affectlens.learning.speech import Classifier, logistic, make_classifier
from affectlens.stats.multiple import benjamini_hochberg, holm

Progress = Callable[[str, int, int], None]
Predict = Callable[[np.ndarray], np.ndarray]
FOLDS = 5
REPEATS = 5
RIDGE = 0.1  # added to the variance of each feature where one is foretold from the others


@dataclass(frozen=True)
class FeatureAudit:
    """``features``: one row a feature; ``groups``: one a group; ``by_corpus``: one a corpus and group or feature;
    ``agreement``: rank agreement between corpora; ``shapley``: one a corpus, class and group."""

    features: pd.DataFrame
    groups: pd.DataFrame
    by_corpus: pd.DataFrame
    agreement: pd.DataFrame
    shapley: pd.DataFrame
    settings: dict[str, object]

    def to_frame(self) -> pd.DataFrame:
        """The features."""
        return self.features

    def save(self, folder: Path) -> None:
        """Write the tables as csv, the settings last."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("features", "groups", "by_corpus", "agreement", "shapley"):
            write_frame(getattr(self, name), folder / f"{name}.csv")
        (folder / "settings.json").write_text(json.dumps(self.settings, indent=1), encoding="utf-8")


def row_loss(probabilities: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted log loss (bit) of each row ``(..., n)``; ``weight`` makes classes count alike."""
    p = np.take_along_axis(probabilities, y.reshape((1,) * (probabilities.ndim - 2) + (-1, 1)), axis=-1)[..., 0]
    return np.asarray(-np.log2(np.clip(p, 1e-6, 1)) * weight)


def class_weight(y: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Weights ``(n,)`` of mean 1 that make the classes of each corpus count alike."""
    out = np.zeros(len(y))
    for name in dict.fromkeys(corpus):
        mine = corpus == name
        count = np.bincount(y[mine])
        out[mine] = mine.sum() / ((count > 0).sum() * count[y[mine]])
    return out


class Surrogate:
    """What the other features foretell of some, by ridge regression on training rows: the conditional permutation keeps that
    part and shuffles the rest (Strobl et al. 2008; residuals as in Watson & Wright 2021)."""

    def __init__(self, x: np.ndarray) -> None:
        self._mean = x.mean(axis=0)
        self._covariance = np.cov((x - self._mean).T) + RIDGE * np.diag(x.var(axis=0) + 1e-9)

    def expected(self, x: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """``(n, k)``: the mean of the columns given all others."""
        rest = np.setdiff1d(np.arange(x.shape[1]), columns)
        if not len(rest):
            return np.broadcast_to(self._mean[columns], (len(x), len(columns))).copy()
        weight = np.linalg.solve(self._covariance[np.ix_(rest, rest)], self._covariance[np.ix_(rest, columns)])
        return np.asarray(self._mean[columns] + (x[:, rest] - self._mean[rest]) @ weight)


def permuted_loss(
    predict: Predict,
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    columns: np.ndarray,
    corpus: np.ndarray,
    rng: np.random.Generator,
    surrogate: Surrogate | None = None,
    repeats: int = REPEATS,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over ``repeats`` permutations of each row's loss ``(n,)`` and of whether it is right, with ``columns`` shuffled
    together among the rows of its corpus; with a ``surrogate`` only what the other features do not foretell is shuffled."""
    kept = surrogate.expected(x, columns) if surrogate else np.zeros((len(x), len(columns)))
    moved = x[:, columns] - kept
    stack = np.repeat(x[None], repeats, axis=0)
    for r in range(repeats):
        for name in dict.fromkeys(corpus):
            mine = np.flatnonzero(corpus == name)
            stack[r][np.ix_(mine, columns)] = kept[mine] + moved[rng.permutation(mine)]
    p = predict(stack.reshape(-1, x.shape[1])).reshape(repeats, len(x), -1)
    return row_loss(p, y, weight).mean(axis=0), (p.argmax(axis=-1) == y).mean(axis=0)


def over_people(
    values: np.ndarray, speaker: np.ndarray, rng: np.random.Generator, draws: int = 9999
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean of each column of ``(n, k)``, its bootstrap interval over speakers, and a one-sided p-value for a mean above zero by
    flipping the sign of whole speakers."""
    _, inverse = np.unique(speaker.astype(str), return_inverse=True)
    sums = np.zeros((inverse.max() + 1, values.shape[1]))
    np.add.at(sums, inverse, values)
    count = np.bincount(inverse).astype(float)
    picks = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws).astype(float)
    drawn = picks @ sums / (picks @ count)[:, None]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    flips = rng.integers(0, 2, (draws, len(count))) * 2.0 - 1
    total = sums.sum(axis=0)
    p = (1 + (flips @ sums >= total - 1e-12).sum(axis=0)) / (draws + 1)
    return total / len(values), low, high, p


def audit_features(
    x: np.ndarray,
    y: np.ndarray,
    corpus: np.ndarray,
    speaker: np.ndarray,
    names: list[str],
    groups: list[str],
    *,
    model: str = "semi-supervised",
    seed: int = 0,
    rng: np.random.Generator,
    classes: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> FeatureAudit:
    """The role of every feature of normalised ``x`` ``(n, f)`` with a name and a group each, for a model trained in five folds
    without shared speakers. Importance is the rise of the log loss (bit, classes of a corpus counting alike) and the loss of
    mean recall; intervals and p-values are over speakers, p adjusted over features (Benjamini and Hochberg) or groups (Holm).
    """
    group_names = list(dict.fromkeys(groups))
    members = [np.flatnonzero(np.array(groups) == g) for g in group_names]
    n, f, g = len(x), len(names), len(group_names)
    weight = class_weight(y, corpus)
    marginal, conditional = np.zeros((n, f)), np.zeros((n, f))
    hits = np.zeros((n, f))
    shap_linear = np.zeros((n, f))
    of_groups = {k: np.zeros((n, g)) for k in ("permuted", "conditional", "left out", "recall, permuted", "recall, left out")}
    shapley = np.zeros((n, g, int(y.max()) + 1))
    folds = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, y, speaker.astype(str)))
    for i, (train, test) in enumerate(folds):
        fitted = make_classifier(model, seed).fit(x[train], y[train])
        predict = fitted.predict_proba
        base = predict(x[test])
        loss, right = row_loss(base, y[test], weight[test]), base.argmax(axis=1) == y[test]
        surrogate = Surrogate(x[train])
        given = (x[test], y[test], weight[test])
        for j in range(f):
            if progress and j % 8 == 0:
                progress("features", i * (f + g) + j, FOLDS * (f + g))
            column = np.array([j])
            harm, still = permuted_loss(predict, *given, column, corpus[test], rng)
            marginal[test, j], hits[test, j] = harm - loss, (right - still) * weight[test]
            conditional[test, j] = permuted_loss(predict, *given, column, corpus[test], rng, surrogate)[0] - loss
        for j, columns in enumerate(members):
            if progress:
                progress("features", i * (f + g) + f + j, FOLDS * (f + g))
            harm, still = permuted_loss(predict, *given, columns, corpus[test], rng, repeats=2 * REPEATS)
            of_groups["permuted"][test, j] = harm - loss
            of_groups["recall, permuted"][test, j] = (right - still) * weight[test]
            harm, _ = permuted_loss(predict, *given, columns, corpus[test], rng, surrogate, 2 * REPEATS)
            of_groups["conditional"][test, j] = harm - loss
            if g > 1:
                p = _without(model, seed, x, y, train, test, columns)
                of_groups["left out"][test, j] = row_loss(p, y[test], weight[test]) - loss
                of_groups["recall, left out"][test, j] = (right - (p.argmax(axis=1) == y[test]) * 1.0) * weight[test]
        background = x[rng.permutation(train)[:24]]
        shapley[test] = group_shapley(predict, x[test], background, members)
        shap_linear[test] = linear_shap(x[train], y[train], x[test])
    if progress:
        progress("features", FOLDS * (f + g), FOLDS * (f + g))
    features = pd.DataFrame({"feature": names, "group": groups})
    features = _add(features, "permuted", marginal, speaker, rng, benjamini_hochberg)
    features = _add(features, "conditional", conditional, speaker, rng, benjamini_hochberg)
    features["recall lost"] = hits.mean(axis=0)
    features["SHAP of logistic"] = np.abs(shap_linear).mean(axis=0)
    features = features.sort_values("permuted", ascending=False, kind="stable").reset_index(drop=True)
    table = pd.DataFrame({"group": group_names, "features": [len(m) for m in members]})
    for name in ("permuted", "conditional", "left out"):
        table = _add(table, name, of_groups[name], speaker, rng, holm)
    table["recall lost, permuted"] = of_groups["recall, permuted"].mean(axis=0)
    table["recall lost, left out"] = of_groups["recall, left out"].mean(axis=0)
    top = shapley[np.arange(n), :, y]  # for the class that the clip is labelled with
    table["Shapley for the label"] = top.mean(axis=0)
    by_corpus = _by_corpus(names, marginal, group_names, of_groups["permuted"], corpus)
    agreement = _rank_agreement({"features": marginal, "groups": of_groups["permuted"]}, corpus, speaker, rng)
    parts = []
    for name in dict.fromkeys(corpus):
        for c in range(shapley.shape[2]):
            mine = (corpus == name) & (y == c)
            label = classes[c] if classes else str(c)
            parts += [{"corpus": name, "class": label, "group": group_names[j], "Shapley": shapley[mine, j, c].mean()}
                      for j in range(g) if mine.any()]  # fmt: skip
    settings: dict[str, object] = {"model": model, "seed": seed, "folds": FOLDS, "repeats": REPEATS, "clips": n,
                                   "speakers": len(set(speaker))}  # fmt: skip
    return FeatureAudit(features, table, by_corpus, agreement, pd.DataFrame(parts), settings)


def _without(
    model: str, seed: int, x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    rest = np.setdiff1d(np.arange(x.shape[1]), columns)
    fitted: Classifier = make_classifier(model, seed).fit(x[train][:, rest], y[train])
    return fitted.predict_proba(x[test][:, rest])


def linear_shap(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Exact SHAP values ``(m, f)`` of logistic regression for the class it answers: ``w_j (x_j - mean x_j)`` (Lundberg & Lee
    2017, features taken as independent)."""
    model = logistic().fit(x, y)
    weights = model.coef_ if len(model.coef_) > 1 else np.concatenate([-model.coef_, model.coef_])
    weights = weights - weights.mean(axis=0)
    answer = (rows @ weights.T + (model.intercept_ if len(model.intercept_) > 1 else 0)).argmax(axis=1)
    return np.asarray(weights[answer] * (rows - x.mean(axis=0)))


def _add(
    frame: pd.DataFrame,
    name: str,
    values: np.ndarray,
    speaker: np.ndarray,
    rng: np.random.Generator,
    adjust: Callable[[np.ndarray], np.ndarray],
) -> pd.DataFrame:
    mean, low, high, p = over_people(values, speaker, rng)
    return frame.assign(**{name: mean, f"{name}, low": low, f"{name}, high": high, f"{name}, p adjusted": adjust(p)})


def _by_corpus(
    names: list[str], marginal: np.ndarray, group_names: list[str], grouped: np.ndarray, corpus: np.ndarray
) -> pd.DataFrame:
    parts = []
    for name in dict.fromkeys(corpus):
        mine = corpus == name
        for kind, columns, values in (("feature", names, marginal), ("group", group_names, grouped)):
            mean = values[mine].mean(axis=0)
            parts.append(pd.DataFrame({"corpus": name, "kind": kind, "name": columns, "permuted": mean,
                                       "rank": len(mean) + 1 - rankdata(mean)}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _rank_agreement(
    what: dict[str, np.ndarray], corpus: np.ndarray, speaker: np.ndarray, rng: np.random.Generator, draws: int = 500
) -> pd.DataFrame:
    """Spearman correlation of importances between each two corpora, and its mean, with bootstrap intervals over speakers."""
    rows = []
    corpora = list(dict.fromkeys(corpus))
    for kind, values in what.items():
        means: dict[str, np.ndarray] = {}
        for name in corpora:
            mine = corpus == name
            _, inverse = np.unique(speaker[mine].astype(str), return_inverse=True)
            sums = np.zeros((inverse.max() + 1, values.shape[1]))
            np.add.at(sums, inverse, values[mine])
            count = np.bincount(inverse).astype(float)
            picks = rng.multinomial(len(count), np.full(len(count), 1 / len(count)), size=draws).astype(float)
            drawn = picks @ sums / (picks @ count)[:, None]
            means[name] = np.concatenate([values[mine].mean(axis=0)[None], drawn])
        pairs = []
        for a, b in combinations(corpora, 2):
            ra, rb = rankdata(means[a], axis=1), rankdata(means[b], axis=1)
            ra, rb = ra - ra.mean(axis=1, keepdims=True), rb - rb.mean(axis=1, keepdims=True)
            pairs.append((ra * rb).sum(axis=1) / np.sqrt((ra**2).sum(axis=1) * (rb**2).sum(axis=1)))
            rows.append(_correlation(kind, f"{a} and {b}", pairs[-1]))
        if len(pairs) > 1:
            rows.append(_correlation(kind, "mean", np.mean(pairs, axis=0)))
    return pd.DataFrame(rows, columns=["of", "corpora", "rank correlation", "low", "high"])


def _correlation(kind: str, name: str, values: np.ndarray) -> dict[str, object]:
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return {"of": kind, "corpora": name, "rank correlation": float(values[0]), "low": float(low), "high": float(high)}
