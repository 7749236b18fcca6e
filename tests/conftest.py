"""Fixtures: paths of data that may be absent, generated media, and one engine for all pipeline tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
# Whatever number a verb asks for: threads that wait for each other burn the cores of the tests beside them.
os.environ.setdefault("OMP_THREAD_LIMIT", "1")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
os.environ["COLUMNS"] = "300"  # a console takes its width when it is made, so tables are not cut in tests

import av
import numpy as np
import pytest
import torch

from affectlens.assets.manifest import asset
from affectlens.assets.store import locate, state

torch.set_num_threads(1)
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


# Files with tests of many seconds begin first, so that no process is left with one when the other has nothing more to do.
LONGEST = ("cli/test_offline.py", "cli/test_documented.py", "cli/test_contents.py", "cli/test_program.py", "core/untrusted/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first; what belongs to a file stays together."""
    items.sort(key=lambda item: not any(name in item.path.as_posix() for name in LONGEST))


@pytest.fixture(scope="session", autouse=True)
def _drawn_once() -> Iterator[None]:
    """A chart that was drawn in this process is not drawn again: the same specification gives the same picture."""
    import vl_convert

    with pytest.MonkeyPatch.context() as patch:
        for name in ("vegalite_to_svg", "svg_to_png"):
            patch.setattr(vl_convert, name, lru_cache(maxsize=128)(getattr(vl_convert, name)))
        yield


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    """A test that leaves torch with other threads than it found is named: what follows it may wait for ever."""
    before = torch.get_num_threads()
    yield
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == before, f"this test left torch with {after} threads; before it were {before}"


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are empty, for tests that look at numbers alone: drawing takes most of the time of a small audit."""
    import vl_convert

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", lambda *_, **__: "<svg></svg>")
    monkeypatch.setattr(vl_convert, "svg_to_png", lambda *_, **__: b"")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Measurement data beside the checkout; tests that need it skip where it is absent."""
    if not SHARED.exists():
        pytest.skip("measurement data is not here")
    return SHARED


def asset_path(name: str, file: str | None = None) -> Path:
    if state(asset(name), thorough=False) != "ready":
        pytest.skip(f"asset {name} is not here; run `affectlens assets pull`")
    return locate(name, file)


@pytest.fixture(scope="session")
def clip() -> Path:
    return asset_path("sample-clip")


@pytest.fixture(scope="session")
def short_clip(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of the clip, with both people in view and what one of them says."""
    from affectlens.media.frames import Problems, frames
    from affectlens.media.sound.audio import Sound

    shown = [frame.image for frame in frames(clip, 10.0) if 2 <= frame.time < 4]
    samples = np.concatenate([block.samples for block in Sound(clip, Problems())])[2 * 16000 : 4 * 16000]
    return write_video(tmp_path_factory.mktemp("short") / "short.mp4", shown, audio=samples, rate=10)


@pytest.fixture(scope="session")
def engine():
    for name in ("yunet", "face-landmarker", "minilm", "whisper-base", "pose-landmarker", "efficientdet-lite0"):
        asset_path(name)
    from affectlens.core.options import Options
    from affectlens.pipeline import Engine

    return Engine(Options(threads=1, device="cpu"))


@pytest.fixture(scope="session")
def face_engine():
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    from affectlens.core.options import Options
    from affectlens.pipeline import Engine

    return Engine(Options(modalities=("face",), threads=1, device="cpu"))


@pytest.fixture(scope="session")
def frame(clip) -> np.ndarray:
    """One frame of the sample clip with two faces."""
    from affectlens.media.frames import frames

    return next(f.image for f in frames(clip, 1.0) if f.time >= 2)


def write_video(
    path: Path,
    images: list[np.ndarray],
    times: list[float] | None = None,
    audio: np.ndarray | None = None,
    rate: int = 10,
    codec: str = "libx264",
    audio_tracks: int = 1,
    audio_rate: int = 16000,
) -> Path:
    """Write RGB frames at the given times (seconds) and mono float samples as a real file."""
    with av.open(str(path), "w") as out:
        streams = []
        if images:
            stream = out.add_stream(codec, rate=rate)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = "yuv444p" if codec == "libx264" else "yuv420p"
            stream.time_base = Fraction(1, 1000)
            stream.codec_context.time_base = Fraction(1, 1000)
        if audio is not None:
            streams = [
                out.add_stream("aac" if path.suffix in (".mp4", ".mkv") else "pcm_f32le", rate=audio_rate)
                for _ in range(audio_tracks)
            ]
            for s in streams:
                s.layout = "mono"
        for i, image in enumerate(images):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            picture.pts = round((times[i] if times else i / rate) * 1000)
            picture.time_base = Fraction(1, 1000)
            out.mux(stream.encode(picture))
        if images:
            out.mux(stream.encode(None))
        for s in streams:
            for start in range(0, len(audio), 1024):
                block = audio[start : start + 1024].astype(np.float32)[None]
                sound = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
                sound.sample_rate, sound.pts, sound.time_base = audio_rate, start, Fraction(1, audio_rate)
                for packet in s.encode(sound):
                    out.mux(packet)
            out.mux(s.encode(None))
    return path


def plain_frames(n: int, size: tuple[int, int] = (64, 96)) -> list[np.ndarray]:
    """Grey frames whose level is 20 * index, so that a frame tells its number."""
    return [np.full((*size, 3), min(20 * i, 255), np.uint8) for i in range(n)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Reports of tests travel between processes as UTF-8, which names of files need not be."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode("utf-8")) for title, text in report.sections]
    return report
