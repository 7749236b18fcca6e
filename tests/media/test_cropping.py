"""Pictures that a container asks to be cropped: the part that a player shows, and its shape."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from affectlens.core.errors import MediaError
from affectlens.media.cropping import Crop, aperture, boxes
from affectlens.media.frames import frames, probe
from affectlens.media.pictures.images import read_image
from affectlens.media.pictures.upright import upright
from tests.media.heic import box, clean_aperture, write_heic
from tests.media.test_player import HIGH, WIDE, Made, scene, write

CROP = Crop(left=8, top=4, right=16, bottom=12)
PART = (WIDE - 24, HIGH - 16)  # what is left: 40 x 32
APERTURE = (*PART, -4, -4)
BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")


def element(name, body):
    return bytes.fromhex(name) + struct.pack(">Q", len(body) | 1 << 56) + body


def elements(body):
    while body:
        wide, long = 9 - body[0].bit_length(), 0
        long = 9 - body[wide].bit_length()
        length = int.from_bytes(body[wide : wide + long], "big") & ((1 << 7 * long) - 1)
        yield body[:wide].hex().upper(), body[wide + long : wide + long + length]
        body = body[wide + long + length :]


def crop_matroska(path, crop, shape=None, unit=0, live=False):
    """Write the cropping, and the shape in which the part is to be shown, into the description of the track."""
    wanted = {"54CC": crop.left, "54BB": crop.top, "54DD": crop.right, "54AA": crop.bottom, "54B2": unit}
    wanted |= {} if shape is None else {"54B0": shape[0], "54BA": shape[1]}
    cropped = b"".join(element(name, struct.pack(">I", value)) for name, value in wanted.items())

    def changed(name, body):
        if name in ("18538067", "1654AE6B", "AE"):
            return element(name, b"".join(changed(*inner) for inner in elements(body)))
        if name == "E0":
            return element(name, b"".join(element(*e) for e in elements(body) if e[0] not in wanted) + cropped)
        # Of places in the file and checksums nothing is true any more.
        return b"" if name in ("114D9B74", "1C53BB6B", "BF", "EC") else element(name, body)

    data = b"".join(changed(*outer) for outer in elements(path.read_bytes()))
    if live:  # lengths that are not known yet
        for name in ("18538067", "1F43B675"):
            at = data.index(bytes.fromhex(name)) + 4
            data = data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :]
    path.write_bytes(data)
    return path


def crop_mp4(path, clap, track=None):
    """Write a clean aperture into the description of the coding, and perhaps the size of the track."""
    data = bytearray(path.read_bytes())
    extra, at = box(b"clap", clean_aperture(*clap)), 0
    for name in BOXES:
        at = data.index(name, at) - 4
        length = int.from_bytes(data[at : at + 4], "big")
        data[at : at + 4] = (length + len(extra)).to_bytes(4, "big")
        end = at + length
    data[end:end] = extra
    if track:
        at = data.index(b"tkhd") - 4
        end = at + int.from_bytes(data[at : at + 4], "big")
        data[end - 8 : end] = struct.pack(">II", *(side << 16 for side in track))
    path.write_bytes(bytes(data))
    return path


def part(number, shape=PART):
    image = Image.fromarray(scene(number)[CROP.top : HIGH - CROP.bottom, CROP.left : WIDE - CROP.right])
    return np.asarray(image.resize(shape, Image.Resampling.BILINEAR))


def shown(path, right):
    """See that each picture is right, and that the size is known before they are read."""
    got = list(frames(path))
    assert len(got) == 12
    for number, frame in enumerate(got):
        assert frame.image.shape == right(number).shape
        assert np.abs(frame.image.astype(int) - right(number)).mean() < 5
    assert (probe(path).height, probe(path).width) == right(0).shape[:2]


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(("shape", "size"), [(None, PART), (PART, PART), ((80, 32), (80, 32)), ((WIDE, HIGH), (43, 32))])
def test_matroska_is_cropped_and_then_brought_to_its_shape(tmp_path, shape, size, live):
    path = crop_matroska(write(tmp_path / "v.mkv", Made()), CROP, shape, live=live)
    shown(path, lambda number: part(number, size))


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize(("track", "size"), [(None, PART), (PART, PART), ((80, 32), (80, 32))])
def test_clean_aperture_is_what_is_shown(tmp_path, container, track, size):
    shown(crop_mp4(write(tmp_path / f"v.{container}", Made()), APERTURE, track), lambda number: part(number, size))


def test_shape_of_pixels_holds_for_the_part(tmp_path):
    shown(crop_mp4(write(tmp_path / "v.mp4", Made(aspect=Fraction(2))), APERTURE), lambda number: part(number, (80, 32)))


def test_cropped_first_and_turned_then(tmp_path):
    path = crop_mp4(write(tmp_path / "v.mp4", Made(rotation=90)), APERTURE)
    shown(path, lambda number: np.rot90(part(number)))


def test_only_the_picture_track_that_is_cropped(tmp_path):
    sound = crop_mp4(write(tmp_path / "v.mp4", Made(sound=True, times=[n / 10 for n in range(12)])), APERTURE)
    assert next(frames(sound)).image.shape == part(0).shape
    with av.open(str(tmp_path / "two.mkv"), "w") as out:  # the second track's cropping is not the first's
        tracks = [out.add_stream("libx264", rate=10, options={"crf": "4"}) for _ in range(2)]
        for track in tracks:
            track.height, track.width, track.pix_fmt = HIGH, WIDE, "yuv444p"
        for track in tracks:
            for packet in [*track.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24")), *track.encode(None)]:
                out.mux(packet)
    two = crop_matroska(tmp_path / "two.mkv", CROP)
    raw = two.read_bytes()
    first = raw.index(bytes.fromhex("54CC"))
    two.write_bytes(raw[:first] + raw[first:].replace(bytes.fromhex("54CC"), bytes.fromhex("54CD"), 1))
    assert next(frames(two)).image.shape == (PART[1], PART[0] + CROP.left, 3)


@pytest.mark.parametrize("clap", [(80, 32, 0, 0), (40, 32, 30, 0), (0, 0, 0, 0), (40, 32, 0, 0, 0), (WIDE, HIGH, 0, 0)])
def test_an_aperture_that_does_not_lie_in_the_picture_crops_nothing(tmp_path, clap):
    shown(crop_mp4(write(tmp_path / "v.mp4", Made()), clap), scene)


def test_cropping_of_more_than_there_is(tmp_path):
    path = crop_matroska(write(tmp_path / "v.mkv", Made()), Crop(left=40, right=24))
    with pytest.raises(MediaError, match="not a readable video"):  # which is what FFmpeg makes of it
        next(frames(path))
    notes = []
    small = av.VideoFrame.from_ndarray(scene(0), format="rgb24")  # the size of a picture may change in the middle
    assert upright(small, Fraction(1), notes.append, Crop(left=40, right=24)).shape == (HIGH, WIDE, 3)
    assert "more to be cropped" in notes[0]


def test_parts_of_a_pixel():
    """As FFmpeg counts them: the first pixel rounded down, the size to the nearest."""
    assert aperture(clean_aperture(79, 63, -9, -7, 2), 64, 48) == Crop(7, 4, 17, 12)
    assert aperture(clean_aperture(79, 65, -9, -5, 2), 64, 48) == Crop(7, 5, 17, 11)


def test_a_small_part_of_a_large_picture_costs_no_more_than_the_bound():
    large = av.VideoFrame.from_ndarray(np.zeros((4000, 6000, 3), np.uint8), format="rgb24")
    assert upright(large, Fraction(8), crop=Crop(left=2000, right=3900)).shape[1] < 100
    assert upright(large, crop=Crop(left=100, top=100)).shape == (1269, 1920, 3)


def test_damaged_descriptions_crop_nothing_and_stop_nobody(tmp_path):
    for name, change in (("v.mkv", crop_matroska), ("v.mp4", crop_mp4)):
        path = change(write(tmp_path / name, Made()), CROP if name == "v.mkv" else APERTURE)
        raw = path.read_bytes()
        rng = np.random.default_rng(0)
        sizes = set()
        at = raw.index(b"clap") if name == "v.mp4" else raw.index(bytes.fromhex("54CC"))
        for _ in range(30):
            data = bytearray(raw)
            data[at + int(rng.integers(-60, 40))] = int(rng.integers(256))
            path.write_bytes(bytes(data))
            try:
                sizes.add(next(iter(frames(path)), None) is None)
            except Exception as error:
                assert type(error).__module__.startswith("affectlens")
        assert sizes


@pytest.mark.parametrize("turn", [0, 1])
def test_clean_aperture_of_heic_comes_before_its_turn(tmp_path, turn):
    image = np.kron(scene(0, 64, 128)[::2, ::2], np.ones((2, 2, 1), np.uint8))
    path = write_heic(tmp_path / "a.heic", image, 1, 2, clap=(80, 40, -4, -2), turn=turn)
    right = np.rot90(image[10:50, 20:100], turn)
    assert read_image(path).shape == right.shape
    assert np.abs(read_image(path).astype(int) - right).mean() < 4


@pytest.mark.parametrize("orientation", [1, 6])
def test_clean_aperture_of_avif(tmp_path, orientation):
    path, exif = tmp_path / "a.avif", Image.Exif()
    exif[0x0112] = orientation
    # A profile of colours that takes as much room as the box of an aperture, which is then put in its place.
    Image.fromarray(scene(0)).save(path, quality=100, exif=exif, icc_profile=b"x" * 28)
    raw, clap = path.read_bytes(), box(b"clap", clean_aperture(*APERTURE))
    at = raw.index(b"colrprof") - 4
    data = bytearray(raw[:at] + clap + raw[at + len(clap) :])
    start = data.index(b"ipco") + 4
    kinds = [
        bytes(kind)
        for kind, _, _ in boxes(io.BytesIO(data), start, start - 8 + int.from_bytes(data[start - 8 : start - 4], "big"))
    ]
    data[data.index(bytes([kinds.index(b"clap") + 1]), data.index(b"ipma") + 15)] |= 0x80  # readers have to know of it
    path.write_bytes(bytes(data))
    right = part(0) if orientation == 1 else np.rot90(part(0), -1)
    assert read_image(path).shape == right.shape and np.abs(read_image(path).astype(int) - right).mean() < 5
