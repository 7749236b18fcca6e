"""What works on this machine, each thing tried rather than looked up."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from affectlens import __version__
from affectlens.assets.manifest import manifest
from affectlens.assets.store import state
from affectlens.core.disk.places import cache_dir
from affectlens.core.environment.extras import EXTRAS, missing
from affectlens.core.errors import AffectlensError
from affectlens.core.results import SavedResult

OK, NOTE, BROKEN = "ok", "note", "broken"
PACKAGES = ("numpy", "pandas", "torch", "av", "opencv-python-headless", "ai-edge-litert", "altair", "vl-convert-python")
LEAST_MEMORY = 2.0  # GB that explaining a video takes, with room


@dataclass(frozen=True)
class Check:
    """One thing that was tried: ``state`` is ok, note (works, with something to know) or broken, ``detail`` says what."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class Checkup(SavedResult):
    """Everything that was tried."""

    kind: ClassVar[str] = "checkup"

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is broken."""
        return all(check.state != BROKEN for check in self.checks)

    def to_frame(self) -> pd.DataFrame:
        """One row a check."""
        return pd.DataFrame([asdict(check) for check in self.checks])

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``states``: how many checks came to what."""
        return {"states": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        counts = self.to_frame().groupby("state", as_index=False).size()
        return alt.Chart(counts).mark_bar().encode(x=alt.X("size:Q", title="checks"), y=alt.Y("state:N", title=None))


def doctor() -> Checkup:
    """Try what the package needs from this machine: packages, extras, shipped models, assets, codecs, GPU, memory, cache.

    Returns
    -------
    Checkup
        One check a thing; ``ok`` is False where one is broken.
    """
    checks = [Check("versions", OK, f"affectlens {__version__}, Python {platform.python_version()}, {platform.platform()}")]
    checks += [_package(name) for name in PACKAGES]
    checks += [_extra(name) for name in EXTRAS]
    checks += [_tried("shipped models", _shipped), *_assets()]
    checks += [_tried(name, trial) for name, trial in CODECS.items()]
    return Checkup((*checks, _gpu(), _memory(), _tried("cache folder", _cache)))


def _package(name: str) -> Check:
    try:
        return Check(name, OK, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name, BROKEN, f"not installed; run: pip install {name}")


def _extra(name: str) -> Check:
    lacking = missing(name)
    if not lacking:
        return Check(f"extra {name}", OK, ", ".join(EXTRAS[name]))
    return Check(f"extra {name}", NOTE, f'without {", ".join(lacking)}; to have it: pip install "affectlens[{name}]"')


def _tried(name: str, trial: Callable[[], str]) -> Check:
    try:
        return Check(name, OK, trial())
    except Exception as error:  # whatever goes wrong is what is to be told
        return Check(name, BROKEN, f"{type(error).__name__}: {error}"[:300])


def _shipped() -> str:
    from affectlens.models.base import model_names
    from affectlens.models.weights import read_weights, weights_path

    for name in model_names():
        read_weights(weights_path(name))
    return ", ".join(model_names())


def _assets() -> list[Check]:
    checks = []
    for asset in manifest().values():
        current = state(asset)
        detail = {
            "ready": f"{asset.size / 1e6:.1f} MB, verified",
            "missing": f"fetched when it is needed ({asset.size / 1e6:.1f} MB), or: affectlens assets pull {asset.name}",
            "corrupted": f"damaged; run: affectlens assets pull {asset.name}",
        }[current]
        checks.append(Check(f"asset {asset.name}", {"ready": OK, "missing": NOTE, "corrupted": BROKEN}[current], detail))
    return checks


def _video() -> str:
    """Encode eight frames and a second of sound, decode them again."""
    import av

    from affectlens.media.container import open_file
    from affectlens.media.frames import frames
    from affectlens.media.sound.audio import audio_blocks

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with open_file(path, "w") as out:
            video, sound = out.add_stream("libx264", rate=8), out.add_stream("aac", rate=16000)
            video.width, video.height, video.pix_fmt, sound.layout = 64, 48, "yuv420p", "mono"
            for level in range(0, 160, 20):
                out.mux(video.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")))
            out.mux(video.encode(None))
            for start in range(0, 16000, 1000):
                block = np.sin(np.arange(start, start + 1000) * 0.2).astype(np.float32)[None]
                piece = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                piece.sample_rate, piece.pts = 16000, start
                out.mux(sound.encode(piece))
            out.mux(sound.encode(None))
        pictures = len(list(frames(path)))
        seconds = sum(len(block.samples) for block in audio_blocks(path)) / 16000
    if pictures != 8 or not 0.8 < seconds < 1.3:
        raise AffectlensError(f"{pictures} of 8 frames and {seconds:.2f} of 1 s of sound came back")
    return "H.264 and AAC written and read"


def _picture() -> str:
    from PIL import Image

    from affectlens.media.pictures.images import read_image

    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("png", "jpg"):
            path = Path(folder) / f"a.{suffix}"
            Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(path)
            if abs(int(read_image(path)[8, 8, 0]) - 90) > 3:
                raise AffectlensError(f"a grey {suffix} came back in another colour")
    return "PNG and JPEG written and read"


def _charts() -> str:
    import altair as alt

    from affectlens.figures.charts import svg

    drawn = svg(alt.Chart(pd.DataFrame({"x": [1, 2]})).mark_point().encode(x="x:Q"))
    return f"an svg of {len(drawn)} characters"


CODECS: dict[str, Callable[[], str]] = {"video and sound": _video, "pictures": _picture, "charts": _charts}


def _gpu() -> Check:
    import torch

    if torch.cuda.is_available():
        names = [f"cuda:{number} {torch.cuda.get_device_name(number)}" for number in range(torch.cuda.device_count())]
        return Check("GPU", OK, ", ".join(names))
    return Check("GPU", OK, "mps") if torch.backends.mps.is_available() else Check("GPU", NOTE, "none; networks run on the CPU")


def _memory() -> Check:
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return Check("memory", NOTE, "not known on this system")
    text = f"{whole:.1f} GB, {os.cpu_count()} processors"
    enough = whole >= LEAST_MEMORY
    return Check(
        "memory", OK if enough else NOTE, text + ("" if enough else f"; explaining a video takes about {LEAST_MEMORY} GB")
    )


def _cache() -> str:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as trial:
        trial.write(b"0")
    return str(folder)
