import subprocess
import sys
import tracemalloc

import av
import numpy as np
import pytest
from PIL import Image

from affectlens.core.errors import MediaError
from affectlens.media.frames import Problems, frames, probe
from affectlens.media.pictures.images import read_image
from affectlens.media.sound.audio import audio_blocks
from tests.conftest import plain_frames, write_video


def levels(path, rate):
    return [(round(f.time, 3), round(float(f.image.mean()) / 20)) for f in frames(path, rate)]


def test_sampling_is_by_time_when_the_rate_varies(tmp_path):
    times = [0.0, 0.1, 0.2, 1.0, 1.9, 2.0]
    path = write_video(tmp_path / "v.mkv", plain_frames(6), times)
    # At each tick the frame that is being shown: frame 2 from 0.2 s to 1.0 s, frame 3 until 1.9 s.
    assert levels(path, 2.0) == [(0.0, 0), (0.5, 2), (1.0, 3), (1.5, 3), (2.0, 5)]
    assert len(levels(path, None)) == 6


def test_sampling_faster_than_the_recording_repeats_frames(tmp_path):
    path = write_video(tmp_path / "v.mkv", plain_frames(3), [0.0, 1.0, 2.0])
    assert [n for _, n in levels(path, 2.0)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("size", [(63, 97), (17, 33), (64, 96)])
def test_odd_sizes(tmp_path, size):
    path = write_video(tmp_path / "v.mkv", plain_frames(3, size))
    assert next(frames(path)).image.shape == (*size, 3)


def with_matrix(source, path, a, b, c, d, across=0):
    """A copy of a recording whose track has a display matrix."""
    with av.open(str(source)) as plain, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(plain.streams.video[0])
        for packet in plain.demux(plain.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    values = [round(65536 * value) for value in (a, b, 0, c, d, 0, across, 0)] + [0x40000000]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    path.write_bytes(bytes(data))
    return path


def half_bright(tmp_path):
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48] = 255  # bright left half
    return write_video(tmp_path / "plain.mp4", [image] * 3)


def test_rotation_is_applied(tmp_path):
    turned = with_matrix(half_bright(tmp_path), tmp_path / "turned.mp4", 0, 1, -1, 0, across=64)  # a quarter turn clockwise
    problems = Problems()
    image = next(frames(turned, problems=problems)).image
    assert image.shape == (96, 64, 3) and problems.notes == []
    assert image[:40].mean() > 200 and image[56:].mean() < 50  # what was left is now on top


@pytest.mark.parametrize(
    ("degrees", "shape", "says"),
    [
        (30, (64, 96), "30.0 degrees more"),
        (60, (96, 64), "30.0 degrees less"),
        (-20, (64, 96), "20.0 degrees less"),
        (0.2, (64, 96), ""),
    ],
)
def test_an_angle_that_is_no_quarter_turn_is_noted(tmp_path, degrees, shape, says):
    across, down = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = with_matrix(half_bright(tmp_path), tmp_path / "turned.mp4", across, down, -down, across)
    problems = Problems()
    images = [frame.image for frame in frames(turned, problems=problems)]
    assert images[0].shape[:2] == shape
    assert len(problems.notes) == bool(says) and says in "".join(problems.notes)


def test_no_audio_no_video_and_several_tracks(tmp_path):
    tone = 0.3 * np.sin(np.arange(32000) * 0.1)
    silent = write_video(tmp_path / "silent.mp4", plain_frames(3))
    assert list(audio_blocks(silent)) == [] and probe(silent).audio_tracks == 0
    sound = write_video(tmp_path / "sound.mp4", [], audio=tone)
    assert list(frames(sound)) == [] and probe(sound).kind == "audio"
    problems = Problems()
    two = write_video(tmp_path / "two.mkv", plain_frames(3), audio=tone, audio_tracks=2)
    assert sum(len(b.samples) for b in audio_blocks(two, problems=problems)) == pytest.approx(32000, abs=2100)
    assert problems.notes == ["2 audio tracks; the first was read"]


def test_audio_is_resampled_and_not_a_number_is_silence(tmp_path):
    x = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    x[1000:1010] = np.nan
    path = write_video(tmp_path / "a.wav", [], audio=x, audio_rate=44100)
    problems = Problems()
    got = np.concatenate([b.samples for b in audio_blocks(path, 16000, problems=problems)])
    assert np.isfinite(got).all() and len(got) == pytest.approx(16000, abs=64)
    assert any("not numbers" in n for n in problems.notes)
    spectrum = np.abs(np.fft.rfft(got[:16000]))
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)


def test_blocks_join_to_the_whole(tmp_path, rng):
    x = rng.normal(0, 0.1, 16000 * 3)
    path = write_video(tmp_path / "a.wav", [], audio=x)
    whole = np.concatenate([b.samples for b in audio_blocks(path, seconds=60)])
    parts = list(audio_blocks(path, seconds=0.7))
    np.testing.assert_array_equal(np.concatenate([b.samples for b in parts]), whole)
    assert parts[2].start == pytest.approx(1.4)


def test_bad_recordings_say_what_is_wrong(tmp_path):
    cases = {"empty.mp4": b"", "text.mp4": b"this is not a film\n" * 50, "junk.wav": bytes(range(256)) * 40}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(MediaError, match=name):
            probe(tmp_path / name)
    with pytest.raises(MediaError, match="no such file"):
        probe(tmp_path / "absent.mp4")
    with pytest.raises(MediaError, match="is a folder"):
        probe(tmp_path)


def test_truncated_recordings_give_what_is_there(tmp_path):
    images = [np.random.default_rng(i).integers(0, 255, (64, 96, 3), dtype=np.uint8) for i in range(60)]
    whole = write_video(tmp_path / "v.mkv", images)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 5 < len(list(frames(cut))) < 60
    headless = tmp_path / "cut.mp4"
    source = write_video(tmp_path / "w.mp4", images)
    headless.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(MediaError, match="truncated"):
        probe(headless)


def test_a_recording_is_never_held(tmp_path):
    def peak(n):
        path = write_video(tmp_path / f"{n}.mkv", plain_frames(n, (240, 320)), rate=25)
        tracemalloc.start()
        for _ in frames(path, 5.0):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(200) < 1.5 * peak(20) + 1e6


def image(tmp_path, name, array, mode=None, **save):
    path = tmp_path / name
    picture = Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)
    picture.save(path, **save)
    return path


def test_pictures_of_every_kind(tmp_path):
    grey = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))
    rgb = np.stack([grey, grey, grey], -1)
    assert read_image(image(tmp_path, "g.png", grey)).shape == (40, 60, 3)
    deep = read_image(image(tmp_path, "d.png", grey.astype(np.uint16) * 257))
    np.testing.assert_allclose(deep[..., 0], grey, atol=1)
    cmyk = read_image(image(tmp_path, "c.jpg", rgb, "CMYK"))
    assert cmyk.shape == (40, 60, 3) and abs(float(cmyk.mean()) - grey.mean()) < 12
    clear = np.dstack([rgb, np.zeros((40, 60), np.uint8)])
    assert read_image(image(tmp_path, "a.png", clear)).mean() == pytest.approx(128, abs=1)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    turned = read_image(image(tmp_path, "e.jpg", rgb, exif=exif))
    assert turned.shape == (60, 40, 3) and turned[0].mean() < turned[-1].mean()
    assert read_image(image(tmp_path, "p.gif", rgb, "P")).shape == (40, 60, 3)
    assert max(read_image(image(tmp_path, "big.png", np.zeros((50, 900), np.uint8)), max_side=300).shape) == 300


def test_bad_pictures_say_what_is_wrong(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello")
    whole = image(tmp_path, "w.png", np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8))
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:3000])
    for name in ("empty.png", "text.png", "cut.png", "absent.png"):
        with pytest.raises(MediaError, match=name):
            read_image(tmp_path / name)


def test_an_enormous_picture_is_refused_before_it_is_decoded(tmp_path):
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    tracemalloc.start()
    with pytest.raises(MediaError, match="900,000,000 pixels"):
        read_image(tmp_path / "huge.png")
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_importing_the_package_is_light():
    code = "import sys, affectlens; assert not {'torch', 'cv2', 'av'} & set(sys.modules); print(affectlens.__version__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
