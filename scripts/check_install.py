"""Build the wheel, install it into a throw-away environment for each Python, without the constraints file, and use it there.

    python scripts/check_install.py [PYTHON …] [--extras all] [--keep FOLDER]

PYTHON is a version (``3.12``), a name on PATH or a path; by default every version of 3.11 to 3.14. A version is looked for on
PATH, among those of pyenv, and with ``uv python find``; none is fetched. In each environment the newest versions of all
dependencies are taken from the index that pip is set up with, every module is imported, a generated film with sound is read,
the shipped networks are loaded, and the program is called. Which ran and which are not to be had is printed last. The exit
code is 1 where one fails or one that was asked for is not to be had, 2 where none is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
_USE = """
import importlib, pkgutil, sys, tempfile
from pathlib import Path
import affectlens
for module in pkgutil.walk_packages(affectlens.__path__, "affectlens."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from affectlens.checks.recordings import make_recordings
from affectlens.media.sound.audio import Sound
from affectlens.media.frames import Problems, frames, probe
folder = Path(tempfile.mkdtemp())
made = make_recordings(folder)
film = made["a film with sound"]
info = probe(film)
pictures = list(frames(film, 5.0))
assert info.video_tracks and info.audio_tracks and len(pictures) >= 7, (info, len(pictures))
assert sum(len(block.samples) for block in Sound(film, Problems())) > 16000
for name in ("face", "speech", "gait", "posture", "fusion"):  # that of words needs an asset
    affectlens.load_model(name)
print("affectlens", affectlens.__version__, "on Python", sys.version.split()[0])
"""


def main(arguments: list[str] | None = None) -> int:
    """Try every Python, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="versions, names or paths; by default 3.11 to 3.14")
    parser.add_argument("--extras", default="all", help="extras that are installed")
    parser.add_argument("--keep", type=Path, help="a folder for the environments; else they are removed")
    given = parser.parse_args(arguments)
    pythons = {name: interpreter(name) for name in given.pythons or VERSIONS}
    there = {name: path for name, path in pythons.items() if path}
    absent = [name for name in pythons if name not in there]
    outcomes = _all_tried(there, given.extras, given.keep) if there else {}
    ran = ", ".join(f"{name} ({path})" for name, path in there.items())
    print(f"ran: {ran or 'none'}; not to be had: {', '.join(absent) or 'none'}")
    if not there:
        return 2
    failed = any(outcome.startswith("failed") for outcome in outcomes.values())
    return 1 if failed or (given.pythons and absent) else 0


def interpreter(name: str) -> str | None:
    """The interpreter that a version, a name or a path stands for; None where there is none that starts."""
    if not re.fullmatch(r"\d+\.\d+", name):
        path = shutil.which(name)
        return path if path and _version(path) else None
    return next((path for path in _candidates(name) if _version(path) == name), None)


def _candidates(version: str) -> Iterator[str]:
    """Where an interpreter of a version may lie: on PATH, among those of pyenv, and where uv knows one."""
    for folder in os.get_exec_path():  # all of them, since a shim of pyenv may stand before one that starts
        yield str(Path(folder) / f"python{version}")
    root = _said("pyenv", "root")
    if root:
        folders = sorted(Path(root, "versions").glob(f"{version}*"), key=_numbers, reverse=True)
        yield from (str(folder / "bin" / "python") for folder in folders)
    known = _said("uv", "python", "find", "--offline", "--system", version)
    if known:
        yield known


def _numbers(folder: Path) -> list[int]:
    """The numbers in a folder's name, so that 3.12.10 is newer than 3.12.9."""
    return [int(digits) for digits in re.findall(r"\d+", folder.name)]


def _version(python: str) -> str:
    """Major and minor number as an interpreter tells them; empty where it does not start."""
    return _said(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")


def _said(*command: str) -> str:
    """What a command prints; empty where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _all_tried(pythons: dict[str, str], extras: str, keep: Path | None) -> dict[str, str]:
    """What came of every Python, printed as it comes."""
    folder = keep or Path(tempfile.mkdtemp(prefix="affectlens-install-"))
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = {}
    try:
        wheel = _wheel(folder)
        for name, path in pythons.items():
            outcomes[name] = _tried(path, wheel, extras, folder / f"env-{Path(name).name}")
            print(f"{name}: {outcomes[name]}", flush=True)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return outcomes


def _wheel(folder: Path) -> Path:
    """Build the wheel from a copy, so that nothing is left in the checkout."""
    copy = folder / "source"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(
        HERE, copy, ignore=shutil.ignore_patterns(".venv", ".git", "demo-report", "runs", ".*_cache", "__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(copy)]
    subprocess.run(command, check=True)
    return next(folder.glob("affectlens-*.whl"))


def _tried(python: str, wheel: Path, extras: str, place: Path) -> str:
    """What came of one Python: what was installed, or where it failed."""
    shutil.rmtree(place, ignore_errors=True)
    inside, what = str(place / "bin" / "python"), f"{wheel}[{extras}]" if extras else str(wheel)
    steps = (
        ("making the environment", [python, "-m", "venv", str(place)]),
        ("installing", [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", what]),
        ("using it", [inside, "-c", _USE]),
        ("the program", [str(place / "bin" / "affectlens"), "models", "ls"]),
    )
    said = ""
    for name, command in steps:
        done = subprocess.run(command, capture_output=True, text=True, cwd=wheel.parent)
        if done.returncode:
            return f"failed at {name}: {(done.stderr.strip() or done.stdout.strip())[-600:]}"
        said = done.stdout.strip() if name == "using it" else said
    listed = subprocess.run([inside, "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True).stdout
    versions = dict(line.split("==") for line in listed.split() if "==" in line)
    return f"{said}; " + ", ".join(
        f"{name} {versions[name]}" for name in ("torch", "av", "numpy", "pandas") if name in versions
    )


if __name__ == "__main__":
    sys.exit(main())
