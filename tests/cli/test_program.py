import subprocess
import sys

import pandas as pd
from typer.testing import CliRunner

from affectlens.cli.main import app
from tests.conftest import asset_path

runner = CliRunner()


def run(*args, **kwargs):
    """The real program, as a user starts it."""
    return subprocess.run([sys.executable, "-m", "affectlens.cli.main", *args], capture_output=True, text=True, **kwargs)


def test_version_and_help():
    assert runner.invoke(app, ["--version"]).output.startswith("affectlens 0.")
    text = runner.invoke(app, ["--help"]).output
    for verb in ("explain", "recognize", "evaluate", "train", "assets", "corpus", "models"):
        assert verb in text
    assert "Exit codes" in text


def test_cli_and_python_give_the_same_numbers(engine, short_clip, tmp_path):
    from affectlens.pipeline import recognize

    for name in ("minilm", "whisper-base"):
        asset_path(name)
    out = tmp_path / "t.parquet"
    done = run("recognize", str(short_clip), "--out", str(out), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    ours = recognize(short_clip, engine=engine).table
    pd.testing.assert_frame_equal(pd.read_parquet(out), ours, rtol=1e-5, check_dtype=False)


def test_exit_codes(tmp_path, frame, call):
    from PIL import Image

    good, bad = tmp_path / "good ü.png", tmp_path / "bad.mp4"
    Image.fromarray(frame).save(good)
    bad.write_text("no film")
    some = run("explain", str(good), str(bad), "--out", str(tmp_path / "out"), "--modalities", "face")
    assert some.returncode == 1 and "bad.mp4" in some.stderr and "report.html" in some.stdout
    assert "Traceback" not in some.stderr and "INFO" not in some.stderr
    usage = call("explain", good, "--modalities", "smell", "--out", tmp_path / "o")
    assert usage.code == 2 and "--modalities smell" in usage.err
    assert call("explain").code == 2
    assert call("recognize", good, "--format", "xls").code == 2
    csv = call("recognize", good, "--modalities", "face")
    assert csv.code == 0 and csv.out.startswith("file,start,end,person")


def test_without_network_on_first_use(tmp_path):
    import os

    video = tmp_path / "v.png"
    video.write_bytes(b"x")
    env = os.environ | {
        "AFFECTLENS_CACHE": str(tmp_path / "cache"),
        "PIP_NO_INDEX": "1",
        "PIP_EXTRA_INDEX_URL": "",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    env.pop("PIP_FIND_LINKS", None)
    done = run("recognize", str(video), "--modalities", "face", env=env)
    assert done.returncode == 2 and "affectlens assets pull yunet" in done.stderr and "Traceback" not in done.stderr


def test_corpus_and_evaluate(shared, call):
    goemotions = f"goemotions={shared / 'text' / 'goemotions'}"
    table = call("corpus", "read", goemotions, "--split", "dev")
    assert table.code == 0 and table.out.count("\n") == 5427
    wrong = call("evaluate", "face", "--corpus", goemotions)
    assert wrong.code == 2 and "face" in wrong.err and "Traceback" not in wrong.err
