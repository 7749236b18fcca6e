"""FFmpeg is never given a name that it could take for something else than a file."""

import ast
from pathlib import Path

import av
import numpy as np
import pytest

from affectlens.core.errors import MediaError
from affectlens.media.container import open_file
from affectlens.media.frames import frames, probe
from affectlens.media.sound.audio import audio_blocks
from tests.conftest import plain_frames, write_video

NASTY = [
    "12:30 talk.mp4",
    "http:a.mp4",
    "concat:a|b.mp4",
    "-x.mp4",
    "data:,a.mp4",
    "file:x.mp4",
    "a%03d.mp4",
    "caf\udce9.mp4",
    "[red]ü.mp4",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_path_is_a_path(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "plain.mp4", plain_frames(4), audio=np.zeros(8000))
    Path("plain.mp4").rename(name)
    for path in (Path(name), tmp_path / name):
        assert (
            probe(path).kind == "video"
            and len(list(frames(path))) == 4
            and sum(len(b.samples) for b in audio_blocks(path)) > 7000
        )
    Path(name).unlink()
    with open_file(name, "w") as out:
        stream = out.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    assert Path(name).stat().st_size > 500


def test_a_playlist_reaches_no_address(tmp_path):
    (tmp_path / "list.mp4").write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(MediaError):
        list(frames(tmp_path / "list.mp4"))


def test_ffmpeg_is_called_in_one_place():
    root = Path(__file__).parents[2]
    called = []
    for file in [*(root / "src").rglob("*.py"), *(root / "benchmarks").glob("*.py"), *(root / "scripts").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "open" and getattr(node.value, "id", "") == "av":
                called.append(file.name)
    assert set(called) == {"container.py"}
