"""Level, power and time of the conditional independence tests, by simulation and against causal-learn where it is installed.

Repetitions are 1,000, or ``INDEPENDENCE_REPETITIONS``; ``INDEPENDENCE_SEED`` draws other data, ``INDEPENDENCE_CELLS`` takes the
cells whose names begin so, and nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from scipy.special import ndtr
from scipy.stats import kstest

from affectlens.stats.independence import test, vote
from affectlens.stats.independence.effect import correlation
from affectlens.stats.independence.fourier import features, residuals
from affectlens.stats.independence.peers.kernels import kci
from affectlens.stats.independence.rcot import Residuals, covariance_test, own_features
from affectlens.stats.independence.variables import scaled, variable
from affectlens.stats.resample import wilson
from benchmarks.independence_cells import Make, Planted, dependences, post_nonlinear, true_hypotheses

REPETITIONS = int(os.environ.get("INDEPENDENCE_REPETITIONS", "1000"))
SEED = int(os.environ.get("INDEPENDENCE_SEED", "2024"))
ONLY = os.environ.get("INDEPENDENCE_CELLS", "")
_SEEN_BESIDE = 100  # repetitions of KCI in cells of power, which takes most of the time
_LOST = 0.05  # of KCI's power


def rates(make: Make, answer: Callable[..., float], count: int = REPETITIONS) -> np.ndarray:
    """P-values ``(count,)`` of data drawn anew."""
    out = []
    for seed in range(count):
        rng = np.random.default_rng([seed, SEED])
        out.append(answer(*make(rng), rng))
    return np.array(out)


def most_of_true(count: int) -> float:
    """What a level of .05 may reject of ``count`` true hypotheses: .05 and two standard errors; .064 of 1,000."""
    return float(0.05 + 2 * np.sqrt(0.05 * 0.95 / count))


def rate(p: np.ndarray) -> str:
    """Share of p-values at most .05, with its 95 % interval."""
    share = wilson(int((p <= 0.05).sum()), len(p))
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def default(x: np.ndarray, y: np.ndarray, z: object, rng: np.random.Generator) -> float:
    """What ``test`` answers with its defaults."""
    return test(x, y, z, rng=rng).p


def peer(x: np.ndarray, y: np.ndarray, z: object, rng: np.random.Generator) -> float:
    """What the kernel test answers."""
    return test(x, y, z, rng=rng, method="kci").p


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Levels, power beside KCI's, intervals, the seed papers' vote, equality with and time against causal-learn."""
    for name, make in true_hypotheses().items():
        if not f"level, {name}".startswith(ONLY):
            continue
        p = rates(make, default)
        most, ks = most_of_true(len(p)), float(kstest(p, "uniform").pvalue)
        level = float((p <= 0.05).mean())
        yield (f"level, {name}", f"{rate(p)}, KS p {ks:.3f}", f"at most {most:.3f} ({len(p)})", level <= most)
    for name, (plant, strength) in dependences().items():
        if f"power, {name}".startswith(ONLY):
            yield from against_kci(name, plant, strength)
    if "coverage".startswith(ONLY) or ONLY.startswith("coverage"):
        yield from coverages()
    if ONLY:
        return
    count = min(REPETITIONS, 60)
    said = [vote(*post_nonlinear(np.random.default_rng([s, 9]), 200, 5), rng=np.random.default_rng(s)).dependent
            for s in range(count)]  # fmt: skip
    yield (f"level, the seed papers' vote, z of 5, n 200 ({count})", f"{np.mean(said):.3f}", "", None)
    yield from times()
    yield from against_causal_learn()


def against_kci(name: str, plant: Planted, strength: float) -> Iterator[tuple[str, str, str, bool | None]]:
    """Power of the default, and of KCI on the same data; KCI's counts where it holds its level on data without dependence."""
    p = rates(partial(plant, strength=strength), default, min(REPETITIONS, 300))
    count = min(REPETITIONS, _SEEN_BESIDE)
    theirs = rates(partial(plant, strength=strength), peer, count)
    level = float((rates(partial(plant, strength=0.0), peer, count) <= 0.05).mean())
    power, other = (float((values <= 0.05).mean()) for values in (p, theirs))
    holds = level <= most_of_true(count)
    said = f"at least {other - _LOST:.2f}" if holds else "KCI does not hold its level"
    yield (f"power, {name}", f"{rate(p)} ({len(p)})", said, power >= other - _LOST if holds else None)
    yield (f"power of KCI, {name}", f"{rate(theirs)} ({count})", f"its level {level:.3f}", None)


def coverages() -> Iterator[tuple[str, str, str, bool | None]]:
    """How often the intervals of the effect hold the correlation of the population, from ten rows on."""
    for name, draw in pairs().items():
        for rho in (0.0, 0.5):
            true = float(np.corrcoef(*draw(np.random.default_rng(1), 1_000_000, rho))[0, 1])
            for n in (10, 20, 50, 200):
                inside = []
                for seed in range(REPETITIONS):
                    a, b = draw(np.random.default_rng([seed, SEED, n]), n, rho)
                    if a.std() > 0 and b.std() > 0:
                        effect = correlation(a, b)
                        inside.append(effect.low <= true <= effect.high)
                share = float(np.mean(inside))
                yield (f"coverage, {name}, correlation {true:.2f}, n {n}", f"{share:.3f} of {len(inside)}", "at least 0.93",
                       share >= 0.93)  # fmt: skip


def pairs() -> dict[str, Callable[[np.random.Generator, int, float], np.ndarray]]:
    """Pairs ``(2, n)`` of several distributions with a dependence."""

    def normal(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
        a, b = rng.normal(size=(2, n))
        return np.stack([a, rho * a + np.sqrt(1 - rho**2) * b])

    return {
        "normal": normal,
        "Student's t of 3": lambda rng, n, rho: normal(rng, n, rho) * np.sqrt(3 / rng.chisquare(3, n)),
        "flat": lambda rng, n, rho: ndtr(normal(rng, n, rho)),
        "binary": lambda rng, n, rho: (normal(rng, n, rho) > 0).astype(float),
        "spread that grows": lambda rng, n, rho: normal(rng, n, rho) * np.exp(0.5 * rng.normal(size=n)),
    }


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
