"""Level, power and time of the conditional independence tests, by simulation and against causal-learn where it is installed.

Repetitions are 1,000, or ``INDEPENDENCE_REPETITIONS``; ``INDEPENDENCE_SEED`` draws other data, ``INDEPENDENCE_CELLS`` takes the
cells whose names begin so, and nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import kstest

from affectlens.stats.independence import test, vote
from affectlens.stats.independence.fourier import features, residuals
from affectlens.stats.independence.kernels import kci
from affectlens.stats.independence.rcot import Residuals, covariance_test, own_features
from affectlens.stats.independence.variables import scaled, variable

REPETITIONS = int(os.environ.get("INDEPENDENCE_REPETITIONS", "1000"))
SEED = int(os.environ.get("INDEPENDENCE_SEED", "2024"))
ONLY = os.environ.get("INDEPENDENCE_CELLS", "")
LIMIT = 0.064  # .05 and two standard errors of 1,000 repetitions
_SHAPES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda v: v, lambda v: v**2, lambda v: v**3, np.tanh, lambda v: np.exp(-np.abs(v)), np.cos,
)  # fmt: skip
Data = tuple[np.ndarray, np.ndarray, np.ndarray]


def post_nonlinear(rng: np.random.Generator, n: int, d: int, shared: float = 0.0) -> Data:
    """Two of six functions, drawn at random, of the sum of z (of deviation one) and noise (of deviation one); with ``shared``
    noise the hypothesis is wrong."""
    z = rng.normal(size=(n, d))
    m, u = z.sum(axis=1) / np.sqrt(d), shared * rng.normal(size=n)
    f, g = (_SHAPES[rng.integers(len(_SHAPES))] for _ in range(2))
    return f(m + rng.normal(size=n) + u), g(m + rng.normal(size=n) + u), z


def label(rng: np.random.Generator, n: int, classes: int) -> Data:
    """Means and spreads that depend on the class."""
    k = rng.integers(0, classes, n)
    return k + rng.normal(size=n) * (1 + k), -k + rng.standard_t(3, n), k


def cells() -> dict[str, Callable[[np.random.Generator], Data]]:
    """What makes the data of every cell, by name; the hypothesis is true in all."""
    out: dict[str, Callable[[np.random.Generator], Data]] = {}
    for d in (1, 5, 10):
        for n in (200, 500, 1000, 2000):
            out[f"post-non-linear, z of {d}, n {n}"] = lambda r, n=n, d=d: post_nonlinear(r, n, d)  # type: ignore[misc]

    def cut(r: np.random.Generator, edges: tuple[float, ...], d: int) -> Data:
        x, y, z = post_nonlinear(r, 500, d)
        return np.digitize(x, np.quantile(x, edges)), y, z

    def tails(r: np.random.Generator) -> Data:
        z = r.normal(size=500)
        return z + r.standard_cauchy(500), z + r.standard_cauchy(500), z

    def ties(r: np.random.Generator) -> Data:
        z = r.normal(size=500)
        return np.round(z + r.normal(size=500)), np.round(z + r.normal(size=500)), np.round(2 * z) / 2 + 1e-9 * z

    out["binary x, z of 2, n 500"] = lambda r: cut(r, (0.7,), 2)
    out["ordinal x, z of 5, n 500"] = lambda r: cut(r, (0.2, 0.5, 0.9), 5)
    for k in (2, 4, 8):
        out[f"z a label of {k}, n 400"] = lambda r, k=k: label(r, 400, k)  # type: ignore[misc]
    out["heavy tails, n 500"] = tails
    out["ties, n 500"] = ties
    return out


def rates(make: Callable[[np.random.Generator], Data], answer: Callable[..., float], count: int = REPETITIONS) -> np.ndarray:
    """P-values ``(count,)`` of data drawn anew."""
    out = []
    for seed in range(count):
        rng = np.random.default_rng([seed, SEED])
        out.append(answer(*make(rng), rng))
    return np.array(out)


def default(x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator) -> float:
    """What ``test`` answers with its defaults."""
    return test(x, y, z, rng=rng).p


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Levels, power, the seed papers' vote, equality with and time against causal-learn."""
    for name, make in cells().items():
        if not name.startswith(ONLY):
            continue
        p = rates(make, default)
        level, ks = float((p <= 0.05).mean()), float(kstest(p, "uniform").pvalue)
        yield (f"level, {name}", f"{level:.3f}, KS p {ks:.3f}", f"at most {LIMIT}", level <= LIMIT)
    if ONLY:
        return
    for d, least in ((1, 0.55), (5, 0.65)):
        p = rates(lambda r, d=d: post_nonlinear(r, 1000, d, 0.5), default, min(REPETITIONS, 300))  # type: ignore[misc]
        power = float((p <= 0.05).mean())
        yield (f"power, shared noise .5, z of {d}, n 1000", f"{power:.3f}", f"at least {least}", power >= least)
    count = min(REPETITIONS, 60)
    said = [vote(*post_nonlinear(np.random.default_rng([s, 9]), 200, 5), rng=np.random.default_rng(s)).dependent
            for s in range(count)]  # fmt: skip
    yield (f"level, the seed papers' vote, z of 5, n 200 ({count})", f"{np.mean(said):.3f}", "", None)
    yield from times()
    yield from against_causal_learn()


def times() -> Iterator[tuple[str, str, str, bool | None]]:
    """Seconds of one draw against rows."""
    seconds = {}
    for n in (10_000, 100_000, 1_000_000):
        rng = np.random.default_rng(0)
        x, y, z = post_nonlinear(rng, n, 2)
        began = time.perf_counter()
        test(x, y, z, rng=rng, draws=1)
        seconds[n] = time.perf_counter() - began
        yield (f"time, one draw, n {n:,}", f"{seconds[n]:.1f} s", "", None)
    ratio = seconds[1_000_000] / seconds[100_000]
    yield ("time, 1,000,000 over 100,000 rows", f"{ratio:.1f} times", "linear: at most 13", ratio <= 13)


def against_causal_learn() -> Iterator[tuple[str, str, str, bool | None]]:
    """The same p-values as its KCI, and times beside its KCI and RCIT; nothing where it is not installed."""
    try:
        from causallearn.utils.KCI.KCI import KCI_CInd
        from causallearn.utils.RCIT.RCIT import RCIT
    except ImportError:
        yield ("causal-learn is not installed: pip install causal-learn momentchi2", "", "", None)
        return
    worst, mine, theirs = 0.0, [], []
    for seed in range(9):
        x, y, z = post_nonlinear(np.random.default_rng(seed), 1000, 2)
        began = time.perf_counter()
        p = kci(x[:, None], y[:, None], z)[1]
        mine.append(time.perf_counter() - began)
        began = time.perf_counter()
        q = KCI_CInd().compute_pvalue(x[:, None], y[:, None], z)[0]
        theirs.append(time.perf_counter() - began)
        worst = max(worst, abs(p - q))
    ratio = float(np.median(theirs) / np.median(mine))
    yield ("KCI, largest difference of p from causal-learn, n 1000", f"{worst:.1e}", "below 1e-4", worst < 1e-4)
    yield ("KCI, causal-learn's time over ours, n 1000", f"{ratio:.1f} times", "at least 10", ratio >= 10)
    for n in (10_000, 100_000):
        x, y, z = post_nonlinear(np.random.default_rng(1), n, 2)
        np.random.seed(0)  # noqa: NPY002  # the peer draws from the global generator
        began = time.perf_counter()
        RCIT(num_f=100, num_f2=5).compute_pvalue(x[:, None], y[:, None], z)
        peer = time.perf_counter() - began
        rng = np.random.default_rng(0)
        began = time.perf_counter()
        v = scaled(variable(np.column_stack([x, y])))
        f = [own_features(v[:, i : i + 1], rng, 5) for i in range(2)]
        left, spent = residuals(np.concatenate(f, axis=1), [features(scaled(variable(z)), 100, rng)], scaled(variable(z)))
        cut = f[0].shape[1]
        covariance_test(Residuals(left[:, :cut], spent[:cut]), Residuals(left[:, cut:], spent[cut:]), rng)
        ours = time.perf_counter() - began
        ratio = peer / ours
        what = f"causal-learn's RCIT over ours, 100 and 5 features each, n {n:,}"
        yield (what, f"{ratio:.2f} times ({ours:.1f} s)", "at least 1", ratio >= 1)
