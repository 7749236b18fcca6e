"""The one training loop: seeds, steps that are left out, clipping, early stops, the best epoch, and a run that goes on."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import affectlens
from affectlens.core.errors import UsageError
from affectlens.learning import loop as loop_module
from affectlens.learning.loop import BestEpoch, TrainingLoop, epoch_seed, seeded


def _line(**more):
    """A line fitted by plain gradient descent: every step can be done by hand."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.ones_(net.weight)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    return net, TrainingLoop(net, optimiser, 2, lambda _: [1.0, 2.0], lambda x: net(torch.tensor([x])).sum(), **more)


def test_seeded_draws_repeat_and_leave_the_global_state_alone():
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.randn(4)
        with seeded(9):
            torch.randn(2)
        second = torch.randn(4)
    with seeded(3):
        assert torch.equal(first, torch.randn(4)) and torch.equal(second, torch.randn(4))
    with pytest.raises(RuntimeError), seeded(3):
        torch.randn(1)
        raise RuntimeError
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, torch.randn(4, generator=torch.Generator().manual_seed(3)))


def test_steps_by_hand():
    net, loop = _line()
    loop.run()
    assert net.weight.item() == pytest.approx(1 - 0.1 * (1 + 2) * 2) and not net.training
    net, loop = _line(clip=0.5)
    loop.run()
    assert net.weight.item() == pytest.approx(1 - 0.1 * 0.5 * 4)


def test_a_batch_without_a_loss_is_left_out():
    net, loop = _line()
    loop.loss = lambda x: None if x == 2.0 else net(torch.tensor([x])).sum()
    steps, loop.after_step = [], lambda: steps.append(1)
    loop.run()
    assert net.weight.item() == pytest.approx(1 - 0.1 * 2) and len(steps) == 2


def test_a_stop_ends_the_run_and_progress_is_told():
    told = []
    net, loop = _line(stop=lambda epoch: epoch == 0, progress=lambda *of: told.append(of), stage="line")
    loop.run()
    assert told == [("line", 1, 2)] and net.weight.item() == pytest.approx(1 - 0.1 * 3)


def test_epochs_of_a_run_draw_from_seeds_of_their_own():
    drawn = []
    _, loop = _line(seed=5)
    loop.batches = lambda _: drawn.append(torch.rand(1).item()) or []
    loop.run()
    assert drawn == [torch.rand(1, generator=torch.Generator().manual_seed(epoch_seed(5, e))).item() for e in (0, 1)]
    assert drawn[0] != drawn[1]


def _dropout_run(folder, epochs=4, stop=None, recipe=None, scores=(1, 3, 3, 2), content="digest"):
    with seeded(0):
        net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.05)
    x, y = torch.from_numpy(np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)), torch.arange(12) % 2
    done = []
    best = BestEpoch(
        folder, recipe or {"a": 1}, content, {"net": net, "optimiser": optimiser}, "score", lambda: float(scores[best_epoch()]), net.state_dict
    )  # fmt: skip

    def best_epoch():
        lines = (folder / "log.jsonl").read_text().splitlines() if (folder / "log.jsonl").exists() else []
        return len(lines)

    def progress(stage, finished, total):
        done.append(finished)
        if finished == stop:
            raise KeyboardInterrupt

    loop = TrainingLoop(
        net, optimiser, epochs, lambda _: torch.arange(12).split(4), lambda rows: F.cross_entropy(net(x[rows]), y[rows]),
        best=best, seed=7, progress=progress,
    )  # fmt: skip
    loop.run()
    return net, best, done


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path, monkeypatch):
    net, best, done = _dropout_run(tmp_path / "entire")
    assert done == [1, 2, 3, 4] and best.best["epoch"] == 3  # the later of two equal ones
    with pytest.raises(KeyboardInterrupt):
        _dropout_run(tmp_path / "parts", stop=2)
    other, again, rest = _dropout_run(tmp_path / "parts")
    assert rest == [3, 4]
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    for a, b in zip(best.best["weights"].values(), again.best["weights"].values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    rows = [json.loads(line) for line in (tmp_path / "parts" / "log.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in rows] == [1, 2, 3, 4] and [r["score"] for r in rows] == [1, 3, 3, 2]
    with pytest.raises(UsageError, match="another recipe"):
        _dropout_run(tmp_path / "parts", recipe={"a": 2})
    with pytest.raises(UsageError, match="from other data"):
        _dropout_run(tmp_path / "parts", content="of other pictures")
    monkeypatch.setattr(loop_module, "package_version", lambda: "other")
    with pytest.raises(UsageError, match="by another version"):
        _dropout_run(tmp_path / "parts")


def test_a_damaged_checkpoint_is_said_and_training_begins_again(tmp_path, caplog):
    net, *_ = _dropout_run(tmp_path / "entire")
    with pytest.raises(KeyboardInterrupt):
        _dropout_run(tmp_path / "parts", stop=2)
    file = tmp_path / "parts" / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:500])
    (tmp_path / "parts" / "log.jsonl").unlink()
    other, _, done = _dropout_run(tmp_path / "parts")
    assert done == [1, 2, 3, 4] and "checkpoint.pt cannot be read" in caplog.text and "begins again" in caplog.text
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_log_is_whole_though_a_run_was_killed_before_it_was_written(tmp_path):
    _dropout_run(tmp_path)
    whole = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text("".join(whole.splitlines(keepends=True)[:-1]))
    _dropout_run(tmp_path)
    assert (tmp_path / "log.jsonl").read_text() == whole


def test_nothing_else_seeds_the_global_state():
    seeds = re.compile(r"(?<!Generator\(\))(?<!Generator\(device\))\.manual_seed\(|np\.random\.seed\(|random\.seed\(")
    places = [
        f"{path.name}: {line.strip()}"
        for path in Path(affectlens.__file__).parent.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if seeds.search(line)
    ]
    assert places == ["loop.py: torch.default_generator.manual_seed(seed)"]
