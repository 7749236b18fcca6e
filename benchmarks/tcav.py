"""Concept tests: level, power, directions, and 1,000 CAVs with scores against Captum's TCAV in the same run."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from captum.concept import TCAV, Classifier, Concept, DefaultClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from affectlens.audits.concepts.cav.space import Space, directions
from benchmarks.tcav_simulations import clustered_rejections, direction_cosines, p_values, usual_rejections

Line = tuple[str, str, str, bool | None]
REPETITIONS = 1000
SETS, EXAMPLES = 1000, 50


class Tail(nn.Module):
    """A layer of width d and a non-linear head of three classes."""

    def __init__(self, d: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.layer = nn.Identity()
        self.hidden = nn.Linear(d, 32)
        self.out = nn.Linear(32, 3)
        with torch.no_grad():
            self.hidden.weight.copy_(torch.randn(32, d, generator=generator) * 2 / d**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits ``(n, 3)``."""
        logits: torch.Tensor = self.out(torch.tanh(self.hidden(self.layer(x))))
        return logits


class Given(Classifier):
    """A classifier that returns CAVs made elsewhere, in the order in which they are asked for."""

    def __init__(self, cavs: np.ndarray) -> None:
        self.cavs, self.at = torch.from_numpy(cavs.astype(np.float32)), -1
        self.order: list[int] = []

    def train_and_eval(self, dataloader: DataLoader, **kwargs: object) -> dict[str, torch.Tensor]:
        """Go on to the next CAV."""
        self.at += 1
        self.order = sorted({int(v) for _, labels in dataloader for v in labels.flatten()})
        return {"accs": torch.tensor(1.0)}

    def weights(self) -> torch.Tensor:
        """``(2, d)``: the counterpart's and the concept's weights in the order of ``classes``."""
        v = self.cavs[self.at]
        return torch.stack([v, -v])

    def classes(self) -> list[int]:
        """The concepts' ids."""
        return self.order


def concepts_of(x: torch.Tensor, sets: list[tuple[np.ndarray, np.ndarray]]) -> list[list[Concept]]:
    """Captum's experimental sets."""

    def one(number: int, rows: np.ndarray) -> Concept:
        return Concept(id=number, name=f"c{number}", data_iter=DataLoader(x[rows], batch_size=len(rows)))

    return [[one(2 * i, a), one(2 * i + 1, b)] for i, (a, b) in enumerate(sets)]


def captum_time(
    net: Tail, x: torch.Tensor, inputs: torch.Tensor, sets: list[tuple[np.ndarray, np.ndarray]], classifier: object
) -> tuple[float, dict]:
    """Seconds and scores of Captum's ``TCAV.interpret`` on these sets, class 0."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tcav = TCAV(net, ["layer"], classifier=classifier, save_path=folder)
        began = time.perf_counter()
        scores = tcav.interpret(inputs, concepts_of(x, sets), target=0)
        return time.perf_counter() - began, dict(scores)


def speed(d: int) -> Iterator[Line]:
    """1,000 CAVs of 50 + 50 examples of a pool of 200, with scores on 50 inputs; Captum's time from fewer sets, per CAV."""
    rng = np.random.default_rng(d)
    net = Tail(d)
    x = torch.from_numpy(rng.normal(size=(200, d)).astype(np.float32))
    inputs = torch.from_numpy(rng.normal(size=(50, d)).astype(np.float32))
    sets = []
    for _ in range(SETS):
        drawn = rng.permutation(200)
        sets.append((drawn[:EXAMPLES], drawn[EXAMPLES : 2 * EXAMPLES]))

    def ours() -> tuple[np.ndarray, Space]:
        leaf = inputs.clone().requires_grad_(True)
        (g,) = torch.autograd.grad(net(leaf)[:, 0].sum(), leaf)
        space = Space.of(x.numpy(), g.numpy())
        y = np.full((SETS, 200), np.nan)
        for i, (a, b) in enumerate(sets):
            y[i, a], y[i, b] = 1, 0
        found = directions(space, y)
        values = space.gradients @ found.T
        (values > 0).mean(axis=0), values.mean(axis=0)
        return found, space

    few = 12 if d < 10_000 else 3
    ratios = []
    for _ in range(3):
        began = time.perf_counter()
        found, space = ours()
        mine = time.perf_counter() - began
        theirs, _ = captum_time(net, x, inputs, sets[:few], DefaultClassifier())
        ratios.append((theirs / few * SETS / mine, mine, theirs / few))
    ratio, mine, each = sorted(ratios)[1]
    yield (
        f"{SETS} CAVs with scores, d = {d}: Captum / ours", f"{ratio:.0f}x ({mine:.2f} s; {1000 * each:.0f} ms a CAV)",
        "at least 15x", ratio >= 15,
    )  # fmt: skip
    y = np.full((few, 200), np.nan)
    for i, (a, b) in enumerate(sets[:few]):
        y[i, a], y[i, b] = 1, 0
    began = time.perf_counter()
    directions(space, y, "sgd")
    alike = (time.perf_counter() - began) / few + mine / SETS
    yield f"d = {d}, a classifier by SGD in both: Captum / ours", f"{each / alike:.0f}x", "", None
    cavs = space.expand(found[:few])
    _, scores = captum_time(net, x, inputs, sets[:few], Given(cavs))
    values = (space.gradients @ found[:few].T) * space.norms[:, None]
    gap, same = 0.0, True
    for i in range(few):
        theirs_ = scores[f"{2 * i}-{2 * i + 1}"]["layer"]
        gap = max(gap, abs(float(theirs_["magnitude"][0]) - values[:, i].mean()) / np.abs(values[:, i]).mean())
        same &= abs(float(theirs_["sign_count"][0]) - (values[:, i] > 0).mean()) < 1e-6
    yield (
        f"d = {d}, same CAVs: relative gap of magnitudes, sign counts", f"{gap:.1e}, {'equal' if same else 'DIFFERENT'}",
        "at most 1e-5, equal", gap <= 1e-5 and same,
    )  # fmt: skip


def statistics() -> Iterator[Line]:
    """Level, power and directions over ``REPETITIONS`` networks."""
    n = REPETITIONS
    for counterparts in (0, 1, 5, 20):
        found = (p_values(n, cosine=None, counterparts=counterparts, seed=counterparts) <= 0.05).mean(axis=0)
        what = f"{counterparts} counterparts" if counterparts else "all others"
        yield (
            f"pseudo-concepts rejected at .05, {what}: shift, cosine", f"{found[0]:.3f}, {found[1]:.3f}", ".037 to .064",
            bool(((found >= 0.037) & (found <= 0.064)).all()),
        )  # fmt: skip
    for counterparts in (5, 20, 100):
        usual = usual_rejections(200, counterparts)
        yield f"the usual t-test rejects random concepts, {counterparts} counterparts", f"{usual:.2f}", "", None
    power = (p_values(n, cosine=0.1, seed=30) <= 0.05).mean(axis=0)
    yield (
        "power at cos(gradient, concept) = .1: shift, cosine",
        f"{power[0]:.3f}, {power[1]:.3f}",
        "shift at least .85",
        power[0] >= 0.85,
    )
    null = (p_values(n, cosine=0.0, seed=31) <= 0.05).mean(axis=0)
    yield (
        "concept orthogonal to the gradient rejected: shift, cosine",
        f"{null[0]:.3f}, {null[1]:.3f}",
        "at most .08",
        bool((null <= 0.08).all()),
    )
    for known, limit in ((True, True), (False, None)):
        share = clustered_rejections(n, known)
        yield (
            f"meaningless concepts in runs, dialogues {'known' if known else 'unknown'} to the null", f"{share:.3f}",
            "at most .08" if limit else "", share <= 0.08 if limit else None,
        )  # fmt: skip
    for method in ("pattern", "ridge", "svm", "sgd"):
        cosine = direction_cosines(100, method)
        held = None if method in ("svm", "sgd") else cosine >= 0.58
        yield (
            f"cosine of the {method} CAV to the planted direction",
            f"{cosine:.3f}",
            "" if held is None else "at least .58",
            held,
        )
    yield "the same, Captum's default classifier", f"{captum_cosine(20):.3f}", "", None


def captum_cosine(repetitions: int, d: int = 512, shift: float = 4.0) -> float:
    """Mean cosine to the planted direction of Captum's default classifier, 50 + 50 examples, a third of them held out."""
    out = []
    for i in range(repetitions):
        rng = np.random.default_rng([0, 2, i])
        u = rng.normal(size=d)
        u /= np.linalg.norm(u)
        x = rng.normal(size=(2 * EXAMPLES, d))
        x[:EXAMPLES] += shift * u
        y = torch.from_numpy(np.repeat([1, 0], EXAMPLES))
        torch.manual_seed(i)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer = DefaultClassifier()
            peer.train_and_eval(DataLoader(TensorDataset(torch.from_numpy(x.astype(np.float32)), y), batch_size=100))
        w = peer.weights()
        v = w[list(peer.classes()).index(1)].numpy().astype(float)
        out.append(abs(float(v @ u / np.linalg.norm(v))))
    return float(np.mean(out))


def run() -> Iterator[Line]:
    """Speed at three widths, then the statistics."""
    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", message="Using default classifier")
    torch.set_num_threads(2)
    for d in (2_000, 25_000, 100_000):
        yield from speed(d)
    yield from statistics()
