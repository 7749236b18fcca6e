"""One decoder against what a player shows, over containers and quirks: each recording is made so that the right answer is known."""

from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from affectlens.media.frames import Problems, frames, probe

RATE, COUNT = 10, 12
HIGH, WIDE = 48, 64
CODECS = {"webm": ("libvpx-vp9", "yuv420p"), "avi": ("libx264", "yuv444p")}
ROTATIONS = {"rotate90": 90, "rotate180": 180, "rotate270": 270}
MATRICES = {"hflip": (-1, 0, 0, 1), "vflip": (1, 0, 0, -1)}


def scene(number, height=HIGH, width=WIDE):
    """A picture without symmetry, whose brightness tells its number."""
    rows, columns = np.mgrid[0:height, 0:width]
    image = np.stack([60 + 90 * columns / width, 60 + 90 * rows / height, np.full((height, width), 90.0)], -1)
    image[: height // 3, : width // 3] = (200, 40, 40)
    image[-height // 4 :, -width // 2 :] = (40, 60, 180)
    return np.clip(image + 5 * number, 0, 255).astype(np.uint8)


@dataclass
class Made:
    """A recording as it is to be written, and what a player shows of it."""

    size: tuple = (HIGH, WIDE)
    times: list = field(default_factory=lambda: [n / RATE for n in range(COUNT)])
    shown: object = staticmethod(lambda image: image)
    options: dict = field(default_factory=dict)
    pixels: str | None = None
    first: int = 0  # frames that an edit list cuts
    sound: bool = False
    matrix: tuple | None = None
    rotation: int = 0
    aspect: Fraction | None = None


def made(quirk):
    plain = [n / RATE for n in range(COUNT)]
    if quirk in ROTATIONS:
        turns = ROTATIONS[quirk] // 90  # the display rotation is counted anticlockwise
        return Made(rotation=ROTATIONS[quirk], shown=lambda image: np.rot90(image, turns))
    if quirk in MATRICES:
        flip = (lambda image: image[:, ::-1]) if quirk == "hflip" else (lambda image: image[::-1])
        return Made(matrix=MATRICES[quirk], shown=flip)
    if quirk == "aspect":
        wide = lambda image: np.asarray(Image.fromarray(image).resize((2 * WIDE, HIGH), Image.Resampling.BILINEAR))  # noqa: E731
        return Made(aspect=Fraction(2), shown=wide)
    return {
        "plain": Made(),
        "late": Made(times=[0.5 + t for t in plain], sound=True),
        "uneven": Made(times=[0.0, 0.1, 0.15, 0.4, 0.5, 0.9, 1.0, 1.1, 1.2, 1.5, 1.6, 1.7]),
        "gap": Made(times=plain[:6] + [20 + t for t in plain[:6]]),
        "bframes": Made(options={"bf": "3", "b_strategy": "0"}),
        "odd": Made(size=(HIGH - 3, WIDE - 7)),
        "tenbit": Made(pixels="yuv420p10le"),
        "cut": Made(first=4),
        "restart": Made(),
    }[quirk]


def write(path, what):
    container = path.suffix[1:]
    codec, pixels = CODECS.get(container, ("libx264", "yuv444p"))
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=RATE, options={"crf": "4"})
        stream.height, stream.width = what.size
        stream.pix_fmt = what.pixels or pixels
        context = stream.codec_context
        context.options = {**context.options, **what.options}
        base = Fraction(1, RATE) if container == "avi" else Fraction(1, 1000)
        stream.time_base = context.time_base = base
        if what.aspect:
            stream.sample_aspect_ratio = context.sample_aspect_ratio = what.aspect
        if what.rotation:
            stream.set_display_rotation(what.rotation)
        if what.matrix:
            a, b, c, d = (65536 * v for v in what.matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        sound = out.add_stream("libopus" if container == "webm" else "aac", rate=48000) if what.sound else None
        if sound:
            sound.layout = "mono"
            for start in range(0, 96000, 960):
                block = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
                block.sample_rate, block.pts, block.time_base = 48000, start, Fraction(1, 48000)
                out.mux(sound.encode(block))
            out.mux(sound.encode(None))
        for number, time in enumerate(what.times):
            picture = av.VideoFrame.from_ndarray(scene(number, *what.size), format="rgb24")
            picture.pts, picture.time_base = round(time / base), base
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    if what.first:
        cut_start(path, what.first)
    return path


def cut_start(path, count):
    """Move the start of the edit list by some frames."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4 + 8 + 4  # version and flags, number of entries, duration
    scale_at = data.index(b"mdhd") + 4 + 12
    scale = int.from_bytes(data[scale_at : scale_at + 4], "big")
    start = int.from_bytes(data[at : at + 4], "big") + count * scale // RATE
    data[at : at + 4] = start.to_bytes(4, "big")
    path.write_bytes(bytes(data))


LACKS = {
    "late": {"avi": "AVI holds no offsets"},
    "uneven": {"avi": "AVI holds no times"},
    "gap": {"avi": "AVI holds no times"},
    "cut": dict.fromkeys(("mkv", "webm", "avi", "ts"), "no edit lists"),
    "restart": dict.fromkeys(("mp4", "mov", "mkv", "webm", "avi"), "files of this kind cannot be joined end to end"),
    "odd": {"webm": "4:2:0 has even sizes"},
    "bframes": {"webm": "VP9 has no B-frames in its container"},
    "tenbit": {"webm": "needs another profile of VP9"},
    "aspect": {"webm": "the aspect is written into the codec's stream, where VP9 has no room for it"},
    **dict.fromkeys(ROTATIONS, dict.fromkeys(("avi", "ts"), "no display matrix")),
    **dict.fromkeys(MATRICES, dict.fromkeys(("avi", "ts", "mkv", "webm"), "no display matrix, or one of turns alone")),
}
QUIRKS = (
    "plain", "late", "uneven", "gap", "bframes", "odd", "tenbit", "cut", "restart", "aspect", *ROTATIONS, *MATRICES,
)  # fmt: skip
CELLS = [
    pytest.param(c, q, marks=pytest.mark.skip(reason=LACKS[q][c]) if c in LACKS.get(q, {}) else ())
    for q in QUIRKS
    for c in ("mp4", "mov", "mkv", "webm", "avi", "ts")
]


@pytest.mark.parametrize(("container", "quirk"), CELLS)
def test_frames_are_those_that_a_player_shows(tmp_path, container, quirk):
    what = made(quirk)
    path = write(tmp_path / f"v.{container}", what)
    expected = [(t - what.times[what.first], n) for n, t in enumerate(what.times)][what.first :]
    if what.sound:
        expected = list(zip(what.times, range(COUNT), strict=True))
    problems = Problems()
    if quirk == "restart":
        path.write_bytes(path.read_bytes() * 2)
        expected += [(COUNT / RATE + t, n) for t, n in expected]
    got = list(frames(path, problems=problems))
    assert len(got) == len(expected)
    for frame, (time, number) in zip(got, expected, strict=True):
        assert frame.time == pytest.approx(time, abs=1 / RATE)
        right = what.shown(scene(number, *what.size))
        assert frame.image.shape == right.shape
        assert np.abs(frame.image.astype(int) - right).mean() < 5
    info = probe(path)
    assert (info.height, info.width) == got[0].image.shape[:2]
    notes = " ".join(problems.notes)
    assert ("start again" in notes) == (quirk == "restart") and ("no picture from" in notes) == (quirk == "gap")


def write_pictures(path, durations):
    pictures = [Image.fromarray(scene(n)) for n in range(len(durations))]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return path


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.avif"])
def test_every_picture_of_an_animation_has_its_time(tmp_path, name):
    path = write_pictures(tmp_path / name, [200, 1000, 3000, 100])
    got = list(frames(path))
    assert [round(f.time, 3) for f in got] == [0.0, 0.2, 1.2, 4.2]
    for number, frame in enumerate(got):
        assert np.abs(frame.image.astype(int) - scene(number)).mean() < 8
    info = probe(path)
    assert (info.kind, info.duration, info.height, info.width) == ("video", pytest.approx(4.3), HIGH, WIDE)
    # What is shown at each half second; a picture with a long time of its own is no gap.
    assert [round(f.time, 3) for f in frames(path, 2.0)] == [k / 2 for k in range(9)]


@pytest.mark.parametrize("rate", [2.0, 5.0, 25.0])
def test_sampling_shows_nothing_before_the_start_and_in_a_gap(tmp_path, rate):
    late = write(tmp_path / "late.mkv", made("late"))
    assert min(f.time for f in frames(late, rate)) == pytest.approx(0.5, abs=1 / RATE)
    times = np.array([f.time for f in frames(write(tmp_path / "gap.mkv", made("gap")), rate)])
    assert len(times) and not ((times > 0.65) & (times < 20)).any()


def test_a_long_gap_costs_nothing(tmp_path):
    what = Made(times=[0.0, 0.1, 0.2, 93_600.0, 93_600.1])
    assert len(list(frames(write(tmp_path / "gap.mkv", what), 5.0))) <= 4


def test_sound_and_picture_keep_their_distance(tmp_path):
    """A flash and a beep at one moment, with the picture's track late: the same time on the one clock."""
    from affectlens.media.clock import play

    path = write(tmp_path / "v.mp4", made("late"))
    with av.open(str(path)) as container:
        times = [t for t, _ in play(container, container.streams.audio[0], print)]
    assert times[0] == pytest.approx(0.0, abs=0.03) and next(frames(path)).time == pytest.approx(0.5, abs=0.03)


def test_a_changing_size_is_fitted_into_the_first(tmp_path):
    parts = [write(tmp_path / f"{n}.ts", Made(size=size)) for n, size in enumerate([(48, 64), (64, 48)])]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(p.read_bytes() for p in parts))
    problems = Problems()
    got = list(frames(joined, problems=problems))
    assert {f.image.shape for f in got} == {(48, 64, 3)} and len(got) == 2 * COUNT
    assert (got[-1].image[:, :10] < 20).all() and got[-1].image[:, 20:40].mean() > 60  # as high as before, bars at the sides
    assert any("size of the picture changes" in n for n in problems.notes)
