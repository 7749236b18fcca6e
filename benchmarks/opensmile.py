"""Our eGeMAPS against openSMILE 2.6's eGeMAPSv02 over EmoDB and nEMO: agreement and processor time, one thread each.

openSMILE may not be used commercially; this benchmark alone installs it, into an environment of its own. The corpora lie below
`AFFECTLENS_DATA` (folders speech/emodb and speech/nemo), by default in shared/data beside the checkout.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from affectlens.core.disk.places import cache_dir
from affectlens.corpora.base import open_corpus
from affectlens.perception.voice.egemaps import NAMES, egemaps

_PARTS = 4  # in turns, so that a noisy neighbour slows both
_CHILD = """
import sys, time
import numpy as np, opensmile
smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals, num_workers=1)
held = np.load(sys.argv[1])
smile.process_signal(held[held.files[0]], 16000)
began = time.process_time()
values = np.concatenate([smile.process_signal(held[k], 16000).to_numpy() for k in held.files])
spent = time.process_time() - began
np.savez(sys.argv[2], values=values, spent=spent, names=np.array(smile.feature_names))
"""


def data() -> Path:
    """Where the corpora lie."""
    return Path(os.environ.get("AFFECTLENS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def _peer() -> Path:
    """A Python with openSMILE, made on first use."""
    folder = cache_dir() / "benchmarks" / "opensmile"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "opensmile==2.6.0"], check=True, capture_output=True)
    return python


def signals() -> list[np.ndarray]:
    """Every clip of the two corpora, float32 at 16 kHz."""
    out = []
    for name in ("emodb", "nemo"):
        out += [i.data for i in open_corpus(name, data() / "speech" / name).items("all") if i.data is not None]
    return out


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """Counts of functionals by rank correlation, the lowest, and the ratio of processor times."""
    if not (data() / "speech" / "emodb").exists():
        yield "openSMILE: the corpora are not here (set AFFECTLENS_DATA)", "", "", None
        return
    python, clips = _peer(), signals()
    seconds = sum(len(x) for x in clips) / 16000
    ours, theirs, mine, spent = [], [], 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for part in np.array_split(np.arange(len(clips)), _PARTS):
            given, made = Path(folder) / "in.npz", Path(folder) / "out.npz"
            np.savez(given, **{f"{i:06d}": clips[i] for i in part})
            subprocess.run(
                [python, "-c", _CHILD, given, made], check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
            held = np.load(made)
            assert tuple(held["names"]) == NAMES
            theirs.append(held["values"])
            spent += float(held["spent"])
            began = time.process_time()
            ours += [egemaps(clips[i], compatible=True) for i in part]
            mine += time.process_time() - began
    rho = np.array([spearmanr(np.array(ours)[:, i], np.concatenate(theirs)[:, i])[0] for i in range(len(NAMES))])
    good, bad = int((rho >= 0.9).sum()), int((rho < 0.6).sum())
    yield f"functionals with rho of at least 0.9, {len(clips)} clips", f"{good} of 88", "at least 75", good >= 75
    yield "functionals with rho under 0.6", str(bad), "none", bad == 0
    for i in np.argsort(rho)[:14]:
        if rho[i] < 0.9:
            yield f"  {NAMES[i]}", f"{rho[i]:.2f}", "", None
    times = f"{spent / mine:.2f}x ({1000 * mine / seconds:.1f} ms a second)"
    yield "processor time, openSMILE / ours", times, "at least 1", spent >= mine


if __name__ == "__main__":
    for line in run():
        print(line, file=sys.stdout)
