"""Simulations of the concept test: its level, its power, what the usual t-test does, and how well directions are found."""

from __future__ import annotations

import numpy as np
from scipy.stats import ttest_ind

from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.audits.concepts.cav.tcav import test_concepts
from affectlens.audits.concepts.settings import ConceptSettings


def gradients(inputs: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Gradients ``(m, d)`` of ``second · tanh(first inputs)``, a non-linear layer: each input has its own."""
    return np.asarray(((1 - np.tanh(inputs @ first) ** 2) * second) @ first.T)


def head(d: int, rng: np.random.Generator, hidden: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """A random head in which units saturate, so that gradients differ between inputs."""
    return rng.normal(size=(d, hidden)) * 2 / np.sqrt(d), rng.normal(size=hidden)


def planted(g: np.ndarray, cosine: float, rng: np.random.Generator) -> np.ndarray:
    """A unit vector whose mean cosine with the gradients is exactly ``cosine``."""
    mean = (g / np.linalg.norm(g, axis=1, keepdims=True)).mean(axis=0)
    along = mean / np.linalg.norm(mean)
    other = rng.normal(size=len(mean))
    other -= along * (other @ along)
    share = cosine / np.linalg.norm(mean)
    return np.asarray(share * along + np.sqrt(1 - share**2) * other / np.linalg.norm(other))


def p_values(
    repetitions: int, *, cosine: float | None, d: int = 512, examples: int = 50, pool: int = 200, inputs: int = 50,
    shift: float = 4.0, counterparts: int = 0, method: str = "pattern", draws: int = 99, seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """P-values ``(repetitions, 2)`` of shift and cosine: of pseudo-concepts (``cosine=None``), or of a concept planted at
    that mean cosine with the gradients. Every repetition has its own network and data."""
    out = np.zeros((repetitions, 2))
    for i in range(repetitions):
        rng = np.random.default_rng([seed, i])
        x = rng.normal(size=(pool, d))
        g = gradients(rng.normal(size=(inputs, d)), *head(d, rng))
        y = np.zeros(pool)
        y[rng.choice(pool, examples, replace=False)] = 1
        if cosine is not None:
            x[y > 0] += shift * planted(g, cosine, rng)
        options = ConceptSettings(method=method, draws=draws, counterparts=counterparts, bootstraps=0, seed=i)
        row = test_concepts({"l": Space.of(x, g)}, {"c": y}, {"k": np.arange(inputs)}, options).frame.iloc[0]
        out[i] = row["p_value"], row["cosine_p_value"]
    return out


def usual_rejections(
    repetitions: int, counterparts: int, d: int = 512, examples: int = 50, pool: int = 400, seed: int = 0
) -> float:
    """Share of random concepts that the usual test rejects at .05: Welch's t-test of a concept's sign counts over
    random counterparts against those of random sets over the same counterparts (Kim et al. 2018, section 3.2)."""
    found = 0
    for i in range(repetitions):
        rng = np.random.default_rng([seed, 1, i])
        space = Space.of(rng.normal(size=(pool, d)), gradients(rng.normal(size=(50, d)), *head(d, rng)))
        rows = [rng.choice(pool, examples, replace=False) for _ in range(counterparts + 2)]

        def signs(concept: np.ndarray, space: Space = space, rows: list[np.ndarray] = rows) -> np.ndarray:
            y = np.full((counterparts, pool), np.nan)
            for r in range(counterparts):
                y[r, rows[r + 2]] = 0
                y[r, concept] = 1
            return np.asarray((space.gradients @ directions(space, y).T > 0).mean(axis=0))

        found += ttest_ind(signs(rows[0]), signs(rows[1]), equal_var=False).pvalue <= 0.05
    return found / repetitions


def direction_cosines(
    repetitions: int, method: str, d: int = 512, examples: int = 50, shift: float = 4.0, seed: int = 0
) -> float:
    """Mean cosine of a direction made from ``examples`` with the concept and as many without to the one
    planted."""
    out = []
    for i in range(repetitions):
        rng = np.random.default_rng([seed, 2, i])
        u = rng.normal(size=d)
        u /= np.linalg.norm(u)
        x = rng.normal(size=(2 * examples, d))
        x[:examples] += shift * u
        space = Space.of(x, u[None])
        v = space.expand(directions(space, np.repeat([1.0, 0.0], examples), method, seed=i))[0]
        out.append(float(v @ u / np.linalg.norm(v)))
    return float(np.mean(out))


def clustered_rejections(repetitions: int, grouped: bool, seed: int = 0) -> float:
    """Share of meaningless concepts rejected when they come in runs in dialogues whose activations are alike: with the
    dialogues known to the null, or not."""
    found = 0
    for i in range(repetitions):
        rng = np.random.default_rng([seed, 3, i])
        groups = np.repeat(np.arange(40), rng.integers(5, 16, 40))
        n = len(groups)
        x = rng.normal(size=(n, 32)) + 1.5 * rng.normal(size=(40, 32))[groups]
        y = (rng.random(40) < 0.3)[groups] * (rng.random(n) < 0.7).astype(float)
        g = gradients(rng.normal(size=(50, 32)), *head(32, rng))
        options = ConceptSettings(draws=99, bootstraps=0, seed=i)
        frame = test_concepts(
            {"l": Space.of(x, g)}, {"c": y}, {"k": np.arange(50)}, options, groups=groups if grouped else None
        ).frame
        found += frame.p_value.iloc[0] <= 0.05
    return found / repetitions
