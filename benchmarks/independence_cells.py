"""Data of the benchmark of independence tests: cells in which the hypothesis is true, and cells in which it is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

Data = tuple[np.ndarray, np.ndarray, np.ndarray | pd.DataFrame]
Make = Callable[[np.random.Generator], Data]
Planted = Callable[[np.random.Generator, float], Data]  # with a strength of 0 the hypothesis is true
Function = Callable[[np.ndarray], np.ndarray]
_SHAPES: tuple[Function, ...] = (
    lambda v: v, lambda v: v**2, lambda v: v**3, np.tanh, lambda v: np.exp(-np.abs(v)), np.cos,
)  # fmt: skip


def sine(z: np.ndarray) -> np.ndarray:
    """Three waves over the middle of the condition."""
    return np.asarray(np.sin(3 * z))


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


def functions(rng: np.random.Generator, f: Function, g: Function, noise: float, n: int = 400, flat: bool = False) -> Data:
    """A function of one column each, and noise of its own; z is normal, or flat from -2 to 2."""
    z = rng.uniform(-2, 2, n) if flat else rng.normal(size=n)
    return f(z) + noise * rng.normal(size=n), g(z) + noise * rng.normal(size=n), z


def wide(rng: np.random.Generator, d: int, kind: str, shared: float = 0.0, n: int = 400) -> Data:
    """Many columns: all of them count in a line, two in functions, or they come of eight factors; noise of deviation one."""
    z = rng.normal(size=(n, d))
    m = z.sum(axis=1) / np.sqrt(d)
    if kind == "two":
        m = np.sin(2 * z[:, 0]) + z[:, 1]
    elif kind == "factors":
        z = rng.normal(size=(n, 8)) @ rng.normal(size=(8, d)) + 0.5 * z
        m = (z[:, 0] + z[:, 1]) / (z[:, 0] + z[:, 1]).std()
    x, y = m + rng.normal(size=(2, n)) + shared * rng.normal(size=n)
    return (np.tanh(x), y**3, z) if kind == "bent" else (x, y, z)


def _product(rng: np.random.Generator) -> Data:
    z = rng.normal(size=(400, 3))
    x, y = z[:, 0] * z[:, 1] + 0.5 * rng.normal(size=(2, 400))
    return x, y, z


def _spread(rng: np.random.Generator) -> Data:
    z = rng.normal(size=400)
    x, y = z + np.abs(z) * rng.normal(size=(2, 400))
    return x, y, z


def _lognormal(rng: np.random.Generator) -> Data:
    z = rng.normal(size=400)
    x, y = np.exp(z + 0.5 * rng.normal(size=(2, 400)))
    return x, y, z


def _heavy_condition(rng: np.random.Generator) -> Data:
    z = rng.standard_t(2, 400)
    x, y = z + 0.5 * rng.normal(size=(2, 400))
    return x, y, z


def _mixed(rng: np.random.Generator) -> Data:
    k, z = rng.integers(0, 3, 400), rng.normal(size=400)
    x, y = np.choose(k, [z, -z, np.sin(2 * z)]) + 0.3 * rng.normal(size=(2, 400))
    return x, y, pd.DataFrame({"label": k.astype(str), "number": z})


def _both_binary(rng: np.random.Generator) -> Data:
    z = rng.normal(size=400)
    x, y = (rng.random((2, 400)) < 1 / (1 + np.exp(-2 * sine(z)))).astype(float)
    return x, y, z


def _cut(rng: np.random.Generator, edges: tuple[float, ...], d: int) -> Data:
    x, y, z = post_nonlinear(rng, 500, d)
    return np.digitize(x, np.quantile(x, edges)), y, z


def _tails(rng: np.random.Generator) -> Data:
    z = rng.normal(size=500)
    return z + rng.standard_cauchy(500), z + rng.standard_cauchy(500), z


def _ties(rng: np.random.Generator) -> Data:
    z = rng.normal(size=500)
    return np.round(z + rng.normal(size=500)), np.round(z + rng.normal(size=500)), np.round(2 * z) / 2 + 1e-9 * z


def true_hypotheses() -> dict[str, Make]:
    """What makes the data of every cell, by name; x and y are independent given z in all."""
    out: dict[str, Make] = {
        f"post-non-linear, z of {d}, n {n}": partial(post_nonlinear, n=n, d=d)
        for d in (1, 5, 10)
        for n in (200, 500, 1000, 2000)
    }
    out["binary x, z of 2, n 500"] = partial(_cut, edges=(0.7,), d=2)
    out["ordinal x, z of 5, n 500"] = partial(_cut, edges=(0.2, 0.5, 0.9), d=5)
    out |= {f"z a label of {k}, n 400": partial(label, n=400, classes=k) for k in (2, 4, 8)}
    out |= {"heavy tails, n 500": _tails, "ties, n 500": _ties}
    for noise in (0.01, 0.05, 0.2):
        out[f"sin 3z and z², noise {noise}"] = partial(functions, f=sine, g=np.square, noise=noise)
    out["sin 3z in both, noise .05"] = partial(functions, f=sine, g=sine, noise=0.05)
    out["sin 3z in both, noise .3"] = partial(functions, f=sine, g=sine, noise=0.3)
    out["sin 3z in both, noise .3, n 60"] = partial(functions, f=sine, g=sine, noise=0.3, n=60)
    out["sin 3z in both, flat z, noise .05"] = partial(functions, f=sine, g=sine, noise=0.05, flat=True)
    out["sin 8z in both, noise .5"] = partial(functions, f=lambda z: np.sin(8 * z), g=lambda z: np.sin(8 * z), noise=0.5)
    out["z² in both, noise .5, n 100"] = partial(functions, f=np.square, g=np.square, noise=0.5, n=100)
    out["exp z and tanh 2z, noise .01"] = partial(functions, f=np.exp, g=lambda z: np.tanh(2 * z), noise=0.01)
    out["exp z in both, noise .05"] = partial(functions, f=np.exp, g=np.exp, noise=0.05)
    out["kink at 0 in both, noise .2"] = partial(functions, f=np.abs, g=np.abs, noise=0.2)
    out["jump at 0 in both, noise .5"] = partial(functions, f=np.sign, g=np.sign, noise=0.5)
    for d in (50, 100):
        for kind, name in (("line", "a line of all"), ("bent", "bent lines of all"), ("two", "two count")):
            out[f"z of {d}, {name}, n 400"] = partial(wide, d=d, kind=kind)
    out["z of 50 from 8 factors, n 400"] = partial(wide, d=50, kind="factors")
    out |= {
        "z of 3, a product, n 400": _product, "spread with |z|, n 400": _spread, "log-normal, n 400": _lognormal,
        "heavy-tailed z, n 400": _heavy_condition, "label of 3 and a number, n 400": _mixed,
        "both binary, sin 3z, n 400": _both_binary,
    }  # fmt: skip
    return out


def _correlated(rng: np.random.Generator, strength: float, n: int, sign: Function) -> Data:
    z, e = rng.normal(size=(2, n))
    rho = strength * sign(z)
    return z + e, z + rho * e + np.sqrt(1 - rho**2) * rng.normal(size=n), z


def _flip(rng: np.random.Generator, strength: float, number: bool) -> Data:
    k, e, z = rng.integers(0, 2, 400), rng.normal(size=400), number * rng.normal(size=400)
    x, y = z + k + e, z + k + strength * (2 * k - 1) * e + rng.normal(size=400)
    return x, y, pd.DataFrame({"label": k.astype(str), "number": z}) if number else k.astype(str)


def _exclusive_or(rng: np.random.Generator, strength: float) -> Data:
    x, y = rng.integers(0, 2, (2, 400))
    z = strength * (x ^ y) + 0.3 * rng.normal(size=400)
    return x.astype(float), y.astype(float), z


def _exclusive_or_of_two(rng: np.random.Generator, strength: float) -> Data:
    x, z = rng.integers(0, 2, (400, 2)), rng.normal(size=400)
    kept = rng.random(400) < 0.5 + strength
    return x.astype(float), np.where(kept, x[:, 0] ^ x[:, 1], 1 - (x[:, 0] ^ x[:, 1])) + z, z


def _bent_noise(rng: np.random.Generator, strength: float, kind: str) -> Data:
    z, e, own = rng.normal(size=(3, 400))
    if kind == "square":
        return z + e, z + strength * (e**2 - 1) + own, z
    return z + e, z + own * np.exp(strength * e), z


def _little_noise(rng: np.random.Generator, strength: float) -> Data:
    z, e, own = rng.normal(size=(3, 400))
    return sine(z) + 0.05 * e, z**2 + 0.05 * (strength * e + own), z


def _sign_of_one(rng: np.random.Generator, strength: float) -> Data:
    z, e = rng.normal(size=(400, 5)), rng.normal(size=400)
    m = z.sum(axis=1) / np.sqrt(5)
    return m + e, m + strength * np.sign(z[:, 0]) * e + rng.normal(size=400), z


def _heavy_shared(rng: np.random.Generator, strength: float) -> Data:
    z, u = rng.normal(size=400), strength * rng.standard_cauchy(400)
    return z + rng.standard_cauchy(400) + u, z + rng.standard_cauchy(400) + u, z


def _binary_shared(rng: np.random.Generator, strength: float) -> Data:
    z, u = rng.normal(size=(2, 400))
    return (z + u + rng.normal(size=400) > 0).astype(float), z + strength * u + rng.normal(size=400), z


def dependences() -> dict[str, tuple[Planted, float]]:
    """What makes the data of every cell with a dependence of a strength, and that strength; 0 makes the hypothesis true."""

    def shared(d: int, kind: str) -> Planted:
        return lambda rng, strength: wide(rng, d, kind, strength)

    def correlated(n: int, sign: Function) -> Planted:
        return lambda rng, strength: _correlated(rng, strength, n, sign)

    def post(d: int) -> Planted:
        return lambda rng, strength: post_nonlinear(rng, 1000, d, strength)

    return {
        "shared noise, z of 1, n 1000": (post(1), 0.5),
        "shared noise, z of 5, n 1000": (post(5), 0.5),
        "correlation .2, n 400": (correlated(400, np.ones_like), 0.2),
        "correlation .4 sin 4z, n 1000": (correlated(1000, lambda z: np.sin(4 * z)), 0.4),
        "correlation .4 sign z, n 400": (correlated(400, np.sign), 0.4),
        "sign that flips with a label, n 400": (partial(_flip, number=False), 0.25),
        "sign that flips with a label, z also a number": (partial(_flip, number=True), 0.25),
        "exclusive or, n 400": (_exclusive_or, 0.5),
        "exclusive or of two columns, n 400": (_exclusive_or_of_two, 0.2),
        "square of noise, n 400": (partial(_bent_noise, kind="square"), 0.25),
        "spread by noise, n 400": (partial(_bent_noise, kind="spread"), 0.3),
        "sin 3z and z², noise .05 shared": (_little_noise, 0.2),
        "sign of the first of 5 columns, n 400": (_sign_of_one, 0.5),
        "shared noise, z of 10, n 400": (shared(10, "line"), 0.5),
        "shared noise, z of 50, n 400": (shared(50, "line"), 0.5),
        "shared Cauchy noise, n 400": (_heavy_shared, 0.4),
        "binary x, shared noise, n 400": (_binary_shared, 0.25),
    }
