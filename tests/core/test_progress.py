import os

from affectlens.core.progress import silent
from affectlens.perception.quiet import quiet_stderr


def test_nothing_is_said():
    assert silent("reading", 1, 0) is None


def test_native_chatter_is_kept_off_and_stderr_comes_back(capfd):
    with quiet_stderr():
        os.write(2, b"chatter")
    try:
        with quiet_stderr():
            os.write(2, b"chatter")
            raise ValueError
    except ValueError:
        os.write(2, b"words")
    assert capfd.readouterr().err == "words"
