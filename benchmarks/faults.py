"""Runs over many clips that are disturbed: workers, drivers and machines of a cluster lost, the disk full, three runs at once.

``CLIPS=100 SEED=0 PARTS=kills,together,node,audit python -m benchmarks faults``. Every disturbed run is taken up again until it
ends by itself, and its table is compared byte by byte with that of the run that nobody disturbed. The clips are a second each
and differ in their pictures; the face modality reads them. ``audit`` puts shares of an audit of objects together in any order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import parts_asked_for
from benchmarks.many_clips import clips_in

PROGRAM = """
import json, resource, sys
import affectlens
given = json.loads(sys.argv[1])
full = given.pop("full", 0)
if __name__ == "__main__":
    if full:  # the disk is full after so many bytes of one file
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    run = affectlens.recognize(modalities=("face",), threads=1, device="cpu", **given)
    sys.exit(run.exit_code)
"""
ATTEMPTS = 20  # runs until one has to have ended by itself
Row = tuple[str, str, str, bool | None]


@dataclass
class Scene:
    """Clips, the table of the run that nobody disturbed, and how long that took."""

    folder: Path
    clips: Path
    expected: bytes = b""
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many clips there are."""
        return len(list(self.clips.iterdir()))

    def started(
        self, table: str, log: str = "", more: dict[str, str] | None = None, **given: object
    ) -> subprocess.Popen[bytes]:
        """Begin a run."""
        out = self.folder / table
        journal = self.folder / f"{table}-{log}-{time.monotonic_ns()}.jsonl"
        facts = {"inputs": str(self.clips), "out": str(out), "journal": str(journal), **given}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(facts)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | (more or {}),
        )

    def is_expected(self, table: str) -> bool:
        """Whether a run gave the same bytes."""
        file = self.folder / table
        return file.exists() and file.read_bytes() == self.expected

    def new(self, table: str) -> Counter[str]:
        """How often each clip was recognised to its end, by the logs of all runs."""
        logs = self.folder.glob(f"{table}-*.jsonl")
        lines = (line for log in logs for line in log.read_text(encoding="utf-8").splitlines())
        events = [json.loads(line) for line in lines if line.endswith("}")]
        return Counter(event["file"] for event in events if event["event"] == "new" and event["state"] == "done")

    def verdicts(self, what: str, table: str) -> Iterator[Row]:
        """Two lines: whether the rows are those expected, and how often clips were done."""
        same, new = self.is_expected(table), self.new(table)
        yield what, "same bytes" if same else "other bytes", "same bytes", same
        once = len(new) == self.count and set(new.values()) == {1}
        yield (
            "  clips recognised to their end",
            f"{len(new)} of {self.count}, most {max(new.values(), default=0)}",
            "once",
            once,
        )


def run() -> Iterator[Row]:
    """All kinds of disturbance."""
    parts = {"kills": kills, "together": together, "node": node, "audit": audit}
    wanted = parts_asked_for(parts)
    with tempfile.TemporaryDirectory(prefix="affectlens-faults-") as scratch:
        scene = Scene(Path(scratch), Path(scratch) / "in")
        if set(wanted) - {"audit"}:
            clips_in(scene.clips, int(os.environ.get("CLIPS", "100")))
            began = time.monotonic()
            scene.started("whole.csv").wait()
            scene.seconds = time.monotonic() - began
            scene.expected = (scene.folder / "whole.csv").read_bytes()
            yield f"{scene.count} clips undisturbed", f"{scene.seconds:.0f} s, load {os.getloadavg()[0]:.1f}", "", None
        for name in wanted:
            yield from parts[name](scene)


def kills(scene: Scene) -> Iterator[Row]:
    """Workers killed every few seconds, the driver twice, the disk full once."""
    rng = np.random.default_rng(int(os.environ.get("SEED", "0")))
    done = _disturbed(scene, "kills.csv", rng)
    said = f"{done['worker']} workers, {done['driver']} drivers killed, disk full {done['full']} times"
    yield from scene.verdicts(said, "kills.csv")


def together(scene: Scene) -> Iterator[Row]:
    """Three drivers on one table at once: each the whole, then shards that overlap."""
    running = [scene.started("three.csv", f"{number}", resume=True) for number in range(3)]
    codes = [process.wait() for process in running]
    yield from scene.verdicts(f"3 runs at once on one table, exit codes {codes}", "three.csv")
    shards = ("1/2", "2/3", "2/2", "1/3", "3/3")
    running = [scene.started("shards.csv", f"{number}", shard=shard) for number, shard in enumerate(shards)]
    codes = [process.wait() for process in running]
    merge = [sys.executable, "-m", "affectlens", "runs", "merge", str(scene.folder / "shards.csv")]
    codes.append(subprocess.run(merge, check=False, capture_output=True).returncode)
    yield from scene.verdicts(f"shards {' '.join(shards)} at once, then merged, exit codes {codes}", "shards.csv")


def node(scene: Scene) -> Iterator[Row]:
    """Ray: of three nodes two are lost, each with the actor on it."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        yield "nodes of Ray lost: Ray is not installed", "", "", None
        return
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100 * 2**20})
    try:
        nodes = [cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20) for _ in range(2)]
        cluster.wait_for_nodes()
        process = scene.started("node.csv", on="ray", workers=2, more={"RAY_ADDRESS": cluster.address})
        lost = 0
        for victim, share in zip(nodes, (0.2, 0.5), strict=True):
            _until(lambda share=share: sum(scene.new("node.csv").values()) >= share * scene.count, process)
            if process.poll() is None:
                cluster.remove_node(victim, allow_graceful=False)
                lost += 1
        code = process.wait()
    finally:
        cluster.shutdown()
        ray.shutdown()
    yield from scene.verdicts(f"Ray: {lost} of 3 nodes lost in the midst of the run, exit code {code}", "node.csv")


def audit(scene: Scene) -> Iterator[Row]:
    """Audits of objects in 1, 3 and 7 shards, in any order, against the audit that was never divided."""
    from benchmarks.audit_shares import tables_of_shares

    whole = tables_of_shares(scene.folder, (1,))
    rng = np.random.default_rng(int(os.environ.get("SEED", "0")))
    for count in (1, 3, 7):
        order = tuple(int(number) for number in rng.permutation(count) + 1)
        same = tables_of_shares(scene.folder, order) == whole
        said = f"audit of objects in {count} shards, in the order {' '.join(map(str, order))}"
        yield said, "same bytes" if same else "other tables", "same bytes", same


def _until(holds: object, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not holds():  # type: ignore[operator]
        time.sleep(0.2)


def _disturbed(scene: Scene, table: str, rng: np.random.Generator) -> Counter[str]:
    """Runs with two workers, taken up until one ends with all done; gives what was done to them."""
    done: Counter[str] = Counter()
    for _ in range(ATTEMPTS):
        is_to_die = done["driver"] < 2
        full = 400 if not is_to_die and not done["full"] else 0
        is_disturbed = is_to_die or full
        process = scene.started(table, resume=True, workers=2, full=full)
        done["full"] += bool(full)
        # A driver dies in the midst of its work, however slow the machine is: when so many more clips are done.
        dies = sum(scene.new(table).values()) + scene.count * rng.uniform(0.1, 0.3) if is_to_die else 1e9
        next_kill = time.monotonic() + rng.uniform(2, 4)
        while process.poll() is None:
            time.sleep(0.1)
            if sum(scene.new(table).values()) >= dies:
                process.send_signal(signal.SIGKILL)
                done["driver"] += 1
                dies = 1e18
            if time.monotonic() > next_kill and is_disturbed:
                next_kill = time.monotonic() + rng.uniform(2, 4) + scene.seconds / 8
                done["worker"] += _kill_a_child(process.pid, rng)
        if process.returncode == 0 and not is_disturbed:
            return done
        out = str(scene.folder / table)
        subprocess.run([sys.executable, "-m", "affectlens", "runs", "retry", out], check=False, capture_output=True)
    return done


def _kill_a_child(parent: int, rng: np.random.Generator) -> int:
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    workers = [int(child) for child in children if b"spawn_main" in _command(int(child))]
    if not workers:
        return 0
    os.kill(int(rng.choice(workers)), signal.SIGKILL)
    return 1


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
