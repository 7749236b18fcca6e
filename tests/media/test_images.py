"""Pictures of every kind, within bounds."""

import os
import resource
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from affectlens.core.errors import LimitError, MediaError
from affectlens.core.limits import Limits, limited
from affectlens.media.frames import Problems, frames, probe
from affectlens.media.pictures.images import HEAVY, SUFFIXES, opened, read_image
from tests.media.heic import write_heic

HIGH, WIDE = 40, 60


@pytest.fixture
def grey():
    return np.tile(np.linspace(10, 240, WIDE).astype(np.uint8), (HIGH, 1))


@pytest.fixture
def marked():
    """A picture without symmetry."""
    rows, columns = np.mgrid[0:128, 0:256]
    image = np.stack([columns * 0.8, rows * 1.2, np.full((128, 256), 90)], -1)
    image[:40, :60] = (220, 30, 30)
    image[100:, 200:] = (30, 40, 210)
    return image.astype(np.uint8)


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("scale", [1.0, 255.0, 65535.0])
def test_floats_keep_their_scale(tmp_path, grey, scale):
    values = Image.fromarray((grey / 255 * scale).astype(np.float32))
    notes = Problems()
    got = read_image(saved(tmp_path / "f.tif", values), note=notes.add)
    np.testing.assert_allclose(got[..., 0], grey, atol=1)
    assert "white" in notes.notes[0]


def test_deep_greys(tmp_path, grey):
    for name, array in {
        "sixteen.tif": grey.astype(np.uint16) * 257,
        "eight in sixteen.tif": grey.astype(np.uint16),
        "thirty-two.tif": grey.astype(np.int32),
    }.items():
        np.testing.assert_allclose(read_image(saved(tmp_path / name, Image.fromarray(array)))[..., 1], grey, atol=1)
    broken = (grey / 255).astype(np.float32)
    broken[0, 0], broken[0, 1] = np.nan, np.inf
    got = read_image(saved(tmp_path / "n.tif", Image.fromarray(broken)))
    np.testing.assert_allclose(got[1:, :, 0], grey[1:], atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_every_orientation(tmp_path, marked, orientation, suffix):
    # What is stored is such that the orientation brings back the picture.
    undo = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, [])
    stored = Image.fromarray(marked)
    for method in undo:
        stored = stored.transpose(method)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"o.{suffix}", stored, exif=exif)
    got = read_image(path)
    assert got.shape == marked.shape and np.abs(got.astype(int) - marked).mean() < 6


def test_large_pictures_are_the_same_in_bands(tmp_path, marked, monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    clear = np.dstack([marked, np.where(marked[..., :1] > 100, 255, 0).astype(np.uint8)])
    kinds = {
        "rgb.png": Image.fromarray(marked), "alpha.png": Image.fromarray(clear), "palette.png": Image.fromarray(marked).convert("P"),
        "cmyk.tif": Image.fromarray(marked).convert("CMYK"), "deep.png": Image.fromarray(marked[..., 0].astype(np.uint16) * 257),
        "float.tif": Image.fromarray(marked[..., 0].astype(np.float32)),
    }  # fmt: skip
    for name, picture in kinds.items():
        path = saved(tmp_path / name, picture, **({"exif": exif} if name.endswith("png") else {}))
        whole = read_image(path, max_side=64)
        monkeypatch.setattr("affectlens.media.pictures.images.LARGE", 100)
        bands = read_image(path, max_side=64)
        monkeypatch.undo()
        assert bands.shape == whole.shape
        assert np.abs(bands.astype(int) - whole).mean() < 3, name


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [None, 0, 1])
def test_tiles_are_put_together(tmp_path, marked, turn, mirror):
    if turn in (2, 3) and mirror is not None:
        pytest.skip("the same two steps as after one turn")
    path = write_heic(tmp_path / "a.heic", marked, 2, 2, size=(120, 250), turn=turn, mirror=mirror)
    right = np.rot90(marked[:120, :250], turn)
    right = {None: right, 0: right[::-1], 1: right[:, ::-1]}[mirror]
    got = read_image(path)
    assert got.shape == right.shape and np.abs(got.astype(int) - right).mean() < 4
    assert probe(path).kind == "image"


def test_heic_that_cannot_be_read_is_refused(tmp_path, marked):
    overlay = write_heic(tmp_path / "o.heic", marked, 1, 2, kind=b"iovl")
    with pytest.raises(MediaError, match="iovl.*Save it as JPEG"):
        read_image(overlay)
    whole = write_heic(tmp_path / "w.heic", marked, 1, 2)
    with limited(Limits(pixels=1000)), pytest.raises(LimitError, match="pixels"):
        read_image(whole)
    raw = whole.read_bytes()
    for length in (30, 200, 500, len(raw) - 3000):
        cut = tmp_path / f"cut{length}.heic"
        cut.write_bytes(raw[:length])
        with pytest.raises(MediaError, match=cut.name):
            read_image(cut)


def test_pages_without_times_are_the_first_with_a_note(tmp_path, marked):
    first, second = Image.fromarray(marked), Image.fromarray(255 - marked)
    path = saved(tmp_path / "pages.tif", first, save_all=True, append_images=[second])
    notes = Problems()
    np.testing.assert_array_equal(read_image(path, note=notes.add), marked)
    assert notes.notes == ["2 pictures in one file; the first was read"] and probe(path).kind == "image"


def png(path, side, kind, channels, depth=8):
    """A black PNG, whose row is packed once and for all."""
    packer = zlib.compressobj(1)
    row = b"\0" + bytes(side * channels * depth // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", data), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_more_pixels_than_the_limit_are_refused_from_the_header(tmp_path):
    kinds = {
        "a.png": lambda p: png(p, 300, 2, 3),
        "a.gif": lambda p: saved(p, Image.new("P", (300, 300))),
        "a.tif": lambda p: saved(p, Image.new("F", (300, 300))),
        "a.webp": lambda p: saved(p, Image.new("RGB", (300, 300))),
        "a.jpg": lambda p: saved(p, Image.new("RGB", (300, 300))),
        "p.jpg": lambda p: saved(p, Image.new("RGB", (300, 300)), progressive=True),
        "anim.gif": lambda p: saved(
            p, Image.new("L", (300, 300)), save_all=True, append_images=[Image.new("L", (300, 300), 99)], duration=90
        ),
    }
    for name, write in kinds.items():
        path = write(tmp_path / name)
        read_image(path)
        with limited(Limits(pixels=80_000)):
            for read in (read_image, probe, lambda p: list(frames(p)) if p.name == "anim.gif" else read_image(p)):
                with pytest.raises(LimitError, match="--limit pixels"):
                    read(path)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".heic", ".heif", ".jpeg", ".jpe", ".jfif", ".tiff", ".apng"}))
def test_what_a_decoder_takes_is_bounded_by_the_limit(tmp_path, suffix):
    """At the limit of 100 million pixels a decoder is to take no more than 1.2 GB: 12 bytes for each of them."""
    side = 1200
    mode = {".gif": "P", ".pgm": "L", ".ppm": "RGB", ".bmp": "RGB", ".jpg": "CMYK", ".tif": "CMYK"}.get(suffix, "RGBA")
    options = {".jpg": {"progressive": True}, ".avif": {"speed": 10}, ".webp": {"method": 0}}.get(suffix, {})
    path = tmp_path / f"a{suffix}"
    taken(lambda: saved(path, Image.new(mode, (side, side)), **options) and 0)  # what was freed here would hide what is taken
    with opened(path) as image:
        share = HEAVY.get(image.format, 1.0)

    def decode():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with opened(path) as image:
            image.load()
        return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

    assert 0 < taken(decode) * share <= 12 * side**2 + 4_000_000  # with what it takes whatever the picture is


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"save_all": True}, {"exif": b"Exif\0\0"}])
def test_a_canvas_of_webp_is_seen_before_room_is_made_for_it(tmp_path, monkeypatch, options):
    more = {"append_images": [Image.new("RGB", (300, 200), 200)]} if "save_all" in options else {}
    path = saved(tmp_path / "a.webp", Image.new("RGB", (300, 200)), method=0, **options, **more)
    assert read_image(path).shape == (200, 300, 3)
    monkeypatch.setattr(Image, "open", None)
    share = HEAVY["WEBP"]
    with limited(Limits(pixels=int(60_000 / share) - 5)), pytest.raises(LimitError, match="60,000 pixels"):
        read_image(path)
    with limited(Limits(pixels=int(60_000 / share) + 5)), pytest.raises(MediaError, match="NoneType"):
        read_image(path)


def taken(work):
    """What something gives in a process of its own, whose peak is that of nothing before it."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing, str(work()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    return int(answer)


def test_the_limit_may_be_raised_above_pillows_own(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_image(png(tmp_path / "a.png", 300, 0, 1)).shape == (300, 300, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000  # others' use of Pillow keeps its bound


def test_a_huge_photograph_is_decoded_smaller(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (3000, 2000), (200, 100, 50)))
    notes = Problems()
    with limited(Limits(pixels=1_000_000)):
        got = read_image(path, max_side=700, note=notes.add)
    assert got.shape == (467, 700, 3) and "3000 x 2000 pixels, read at 1/4" in notes.notes[0]


def test_frames_and_seconds_of_an_animation_are_bounded(tmp_path):
    pictures = [Image.new("L", (16, 16), 20 * n) for n in range(12)]
    path = saved(tmp_path / "a.gif", pictures[0], save_all=True, append_images=pictures[1:], duration=1000)
    for limits in (Limits(frames=5), Limits(seconds=5)):
        with limited(limits), pytest.raises(LimitError, match="--limit"):
            list(frames(path))


def test_memory_for_large_pictures_is_bounded(tmp_path):
    # Seven megapixels of two bytes each: as doubles they would take 56 MB.
    path = png(tmp_path / "deep.png", 2600, 0, 1, depth=16)
    tracemalloc.start()
    read_image(path)
    assert tracemalloc.get_traced_memory()[1] < 45e6
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_a_damaged_animation_ends_early_or_is_refused(tmp_path, name):
    pictures = [Image.fromarray(np.random.default_rng(n).integers(0, 255, (48, 48, 3), dtype=np.uint8)) for n in range(4)]
    whole = saved(tmp_path / name, pictures[0], save_all=True, append_images=pictures[1:], duration=200)
    raw = whole.read_bytes()
    cut = tmp_path / f"cut {name}"
    for share in (0.05, 0.2, 0.6, 0.9):
        cut.write_bytes(raw[: int(share * len(raw))])
        problems = Problems()
        try:
            assert probe(cut).kind in ("video", "image") and len(list(frames(cut, problems=problems))) <= 4
        except MediaError as error:
            assert cut.name in str(error)
