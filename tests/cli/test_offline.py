"""Nothing leaves the machine, and nothing is written but where it was asked for: every verb, watched by the system itself."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from affectlens.core.disk.places import cache_dir
from affectlens.core.environment.offline import SWITCHES, stay_offline
from tests.conftest import asset_path

ROOT = Path(__file__).parents[2]
ASSETS = ("yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0", "minilm", "whisper-base", "voice-encoder")
CALL = re.compile(r"\b(openat|open|creat|mkdir|mkdirat|rename|renameat|renameat2|connect|sendto)\((.*)\)\s+= (-?\d+)")
MAKES = ("creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2")


def talked(trace: str) -> list[str]:
    """Calls that reach for a network, whether they succeed or not."""
    return [line for line in trace.splitlines() if re.search(r"\b(connect|sendto)\(.*AF_INET", line)]


def written(trace: str) -> list[str]:
    """Paths that were opened for writing, made or renamed."""
    paths = []
    for found in filter(None, map(CALL.search, trace.splitlines())):
        name, arguments, result = found.groups()
        writes = name in MAKES or (name.startswith("open") and re.search(r"O_WRONLY|O_RDWR|O_CREAT", arguments))
        if writes and int(result) >= 0:
            paths += re.findall(r'"([^"]*)"', arguments)
    return paths


def test_what_is_looked_for_can_be_seen(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    program = "import socket, pathlib; s = socket.socket(); s.connect_ex(('127.0.0.1', 9)); pathlib.Path('left').write_text('')"
    trace = _traced([sys.executable, "-c", program], tmp_path, dict(os.environ))
    assert len(talked(trace)) == 1 and "left" in written(trace)


def test_switches_are_set_on_import_whatever_they_were():
    program = f"import os, affectlens, sys; print([os.environ[k] for k in {list(SWITCHES)}], 'onnxruntime' in sys.modules)"
    given = os.environ | {"ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=given)
    assert done.stdout.strip() == f"{list(SWITCHES.values())} False"


def test_a_runtime_that_was_imported_before_is_told(monkeypatch):
    told = []
    monkeypatch.setitem(
        sys.modules, "onnxruntime", type("module", (), {"disable_telemetry_events": staticmethod(lambda: told.append(1))})
    )
    stay_offline()
    assert told == [1]


def test_no_verb_reaches_for_the_network_or_writes_elsewhere(tmp_path):
    for name in ASSETS:
        asset_path(name)
    places = {name: tmp_path / name for name in ("home", "tmp", "cache", "cwd")}
    for place in places.values():
        place.mkdir()
    for name in ASSETS:
        (places["cache"] / name).symlink_to(cache_dir() / name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "HF_", "ORT_"))} | {
        "HOME": str(places["home"]), "TMPDIR": str(places["tmp"]), "AFFECTLENS_CACHE": str(places["cache"]),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }  # fmt: skip
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD"):  # libraries are quiet where they find these
        environment.pop(name, None)
    work = tmp_path / "work"
    command = [sys.executable, "-m", "tests.cli.every_verb", str(work)]
    if shutil.which("strace"):
        trace = _traced(command, places["cwd"], environment)
    else:  # what Python itself does can still be seen
        trace = _heard(command, places["cwd"], environment)
    assert talked(trace) == []
    allowed = (str(work), str(places["tmp"]), str(places["cache"]), "/dev/", "/proc/")
    assert [path for path in written(trace) if not path.startswith(allowed)] == []
    assert not any(places["home"].iterdir()) and not any(places["cwd"].iterdir())


def _traced(command, folder, environment):
    watched = "trace=connect,sendto,openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2"
    file = folder.parent / "trace"
    _run(["strace", "-f", "--seccomp-bpf", "-s", "4096", "-e", watched, "-o", str(file), *command], folder, environment)
    return file.read_text(errors="replace")


def _heard(command, folder, environment):
    file = folder.parent / "heard"
    _run(command, folder, environment | {"HEARD": str(file)})
    return file.read_text(errors="replace")


def _run(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
