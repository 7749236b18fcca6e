"""Build the wheel, install it into a throw-away environment for each Python, without the constraints file, and use it there.

    python scripts/check_install.py [PYTHON …] [--extras all] [--keep FOLDER]

PYTHON is an interpreter (``python3.12``, a path); by default every one of 3.11 to 3.14 on PATH. In each environment the newest
versions of all dependencies are taken, every module is imported, a generated film with sound is read, the shipped networks are
loaded, and the program is called. The exit code is 1 where one of them fails; a Python that is not here is named.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
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
from affectlens.media.audio import Sound
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
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", help="interpreters; by default 3.11 to 3.14 on PATH")
    parser.add_argument("--extras", default="all", help="extras that are installed")
    parser.add_argument("--keep", type=Path, help="a folder for the environments; else they are removed")
    given = parser.parse_args(arguments)
    folder = given.keep or Path(tempfile.mkdtemp(prefix="affectlens-install-"))
    folder.mkdir(parents=True, exist_ok=True)
    failed = False
    try:
        wheel = _wheel(folder)
        for python in given.pythons or [f"python{version}" for version in VERSIONS]:
            outcome = _tried(python, wheel, given.extras, folder)
            print(f"{python}: {outcome}", flush=True)
            failed = failed or outcome.startswith("failed")
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


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


def _tried(python: str, wheel: Path, extras: str, folder: Path) -> str:
    """What came of one Python: what was installed, or where it failed."""
    found = shutil.which(python)
    if found is None or subprocess.run([found, "-c", ""], capture_output=True).returncode:
        return "not here"
    place = folder / f"env-{Path(python).name}"
    shutil.rmtree(place, ignore_errors=True)
    inside = str(place / "bin" / "python")
    steps = (
        ("making the environment", [found, "-m", "venv", str(place)]),
        ("installing", [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{wheel}[{extras}]"]),
        ("using it", [inside, "-c", _USE]),
        ("the program", [str(place / "bin" / "affectlens"), "models", "ls"]),
    )
    said = ""
    for name, command in steps:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
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
