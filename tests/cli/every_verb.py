"""Every verb that reads or computes, on generated inputs: a driver for tests that watch the whole program from outside.

``python -m tests.cli.every_verb WORK [VERB …]`` makes the inputs in WORK/made, runs the verbs with results in WORK/out, and
prints one line each: the verb and its exit code. With ``HEARD`` in the environment, a file, what Python itself opens for writing
and connects to is noted there, in the manner of strace.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def clip(path: Path, seconds: float = 3.0) -> Path:
    """A recording with picture and sound: a drawn face whose mouth moves, and a voice-like sum of harmonics."""
    from tests.cli.generated import face
    from tests.conftest import write_video

    rng = np.random.default_rng(5)
    frames = [np.repeat(face(rng, k % 7 - 3, 192)[..., None], 3, 2) for k in range(round(10 * seconds))]
    time = np.arange(round(16000 * seconds)) / 16000
    sound = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 9)) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * time))
    return write_video(path, frames, audio=(0.1 * sound).astype(np.float32))


def runs(made: dict[str, Path], recording: Path, out: Path) -> dict[str, list[str]]:
    """Arguments of the program by a name; where a run needs another's result, that one comes first."""
    named = {name: f"{name}={path}" for name, path in made.items()}

    from tests.cli.generated import answers

    def corpora(*names: str) -> list[str]:
        return [word for name in names for word in ("--corpus", named[name])]

    def to(name: str) -> list[str]:
        return ["--out", str(out / name)]

    weights = out / "train bclstm" / "bclstm.safetensors"
    concepts = ["--query", "long=text.str.len() > 15", "--draws", "19", "--pool", "100", "--bootstraps", "5"]
    found = {
        "doctor": ["doctor"],
        "corpus check": ["corpus", "check", named["folder"]],
        "explain": ["explain", str(recording), *to("explain"), "--store", str(out / "usual.db"), "--place", "street"],
        "recognize": ["recognize", str(recording), *to("recognized.csv")],
        "measure": ["measure", str(recording), "--what", "face,voice,body", *to("measure")],
        "export": ["export", str(made["rows"]), "--to", "elan", *to("annotated")],
        "import": ["import", str(made["cues"]), *to("imported.csv")],
        "evaluate truth": ["evaluate", str(made["rows"]), "--truth", str(made["cues"]), "--draws", "20", *to("truth")],
        "study run": ["study", "run", str(made["study"]), *to("study")],
        "usual": ["usual", "--store", str(out / "usual.db"), *to("usual")],
        "evaluate": ["evaluate", "words", *corpora("csv"), "--split", "all", "--draws", "20", *to("evaluate")],
        "evaluate speech": ["evaluate", "speech", *corpora("emodb"), "--draws", "20", *to("evaluate speech")],
        "audit objects": [
            "audit", "objects", *corpora("folder"), "--split", "all", "--methods", "grad-cam", "--effects", "2", "--objects", "detector", *to("objects"),
        ],
        "audit properties": [
            "audit", "properties", "--model", "speech", *corpora("emodb"), "--interventions", "none", *to("properties"),
        ],
        "audit compare": [
            "audit", "compare", "--model", "speech", "--model", f"said={answers(made['emodb'])}", *corpora("emodb"),
            "--only", "level", "--interventions", "none", "--draws", "20", *to("compare"),
        ],
        "audit latent": [
            "audit", "latent", *corpora("emodb"), "--seeds", "1", "--draws", "19", "--epochs", "2", *to("latent"),
        ],
        "audit features": ["audit", "features", *corpora("emodb"), "--model", "logistic", *to("features")],
        "train bclstm": [
            "train", "bclstm", *corpora("feature-pickle"), "--modalities", "text", "--epochs", "2", "--seeds", "1",
            *to("train bclstm"),
        ],
        "audit concepts": [
            "audit", "concepts", "--model", str(weights), *corpora("feature-pickle"), *concepts, *to("concepts"),
        ],
    }  # fmt: skip
    trained = {
        "face": ("fer2013",), "words": ("goemotions",), "speech": ("emodb", "ravdess"), "voice": ("emodb", "ravdess"), "gait": ("bandai",),
        "posture": ("bandai",), "background": ("folder",), "fusion": ("fer2013", "emodb"),
    }  # fmt: skip
    more = {
        "speech": ["--seeds", "1"],
        "gait": ["--seeds", "1"],
        "posture": ["--seeds", "1"],
        "fusion": ["--draws", "5", "--cases", "256"],
    }
    for name, needed in trained.items():
        found[f"train {name}"] = [
            "train", name, *corpora(*needed), "--epochs", "1", *more.get(name, []), *to(f"train {name}"),
        ]  # fmt: skip
    speakers = ["--conversations", "10", "--directions", "4"]  # fitted at once: it has no epochs
    found["train speakers"] = ["train", "speakers", *corpora("emodb", "ravdess"), *speakers, *to("train speakers")]
    return found


def note(file: Path) -> None:
    """Note what Python does in a file; what libraries do beneath it is not seen."""
    log = file.open("a", encoding="utf-8", errors="replace")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
            print(f"connect({event}, AF_INET, {arguments[-1]!r}) = 0", file=log, flush=True)
        elif event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            print(f'openat("{Path(arguments[0]).absolute()}", O_WRONLY) = 0', file=log, flush=True)

    sys.addaudithook(hook)


def main(work: Path, wanted: list[str]) -> int:
    """Run the wanted verbs, all by default; the highest exit code."""
    if "HEARD" in os.environ:
        note(Path(os.environ["HEARD"]))
    import affectlens  # noqa: F401  before anything that it keeps quiet
    from affectlens.cli.main import main as program
    from tests.cli.generated import everything

    (work / "made").mkdir(parents=True)
    (work / "out").mkdir()
    listed = runs(everything(work / "made"), clip(work / "made" / "clip.mp4"), work / "out")
    worst = 0
    for name in wanted or list(listed):
        try:
            program(listed[name])
            code = 0
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        print(f"{name}: {code}", flush=True)
        worst = max(worst, code)
    return worst


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
