"""The command: it prints an address with a token, serves, and ends on Ctrl-C without a trace."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

import affectlens
from affectlens.core.errors import UsageError
from affectlens.workbench.settings import ViewSettings
from tests.view.made import run_folder


def asked(address, **headers):
    request = urllib.request.Request(address, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_serves_and_ends_with_ctrl_c(tmp_path):
    folder = run_folder(tmp_path / "runs", seconds=4, people=1)
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "affectlens", "view", str(folder.parent), "--no-browser", "--port", "0"]
    before = {file.name for file in folder.parent.iterdir()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as server:
        address = server.stdout.readline().strip()
        base, _, token = address.partition("/?token=")
        try:
            assert base.startswith("http://127.0.0.1:") and len(token) >= 32
            assert asked(f"{base}/api/library") == 401
            assert asked(f"{base}/api/library", Authorization=f"Bearer {token}") == 200
            assert asked(f"{base}/api/library", Authorization=f"Bearer {token}", Host="evil.example") == 403
        finally:
            server.send_signal(signal.SIGINT)
        rest, said = server.communicate(timeout=60)
    assert server.returncode == 0 and rest == "" and "Traceback" not in said and "was closed" in said
    assert {file.name for file in folder.parent.iterdir()} == before


def test_a_port_that_is_taken_is_told(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot listen at 127.0.0.1"):
            affectlens.view(tmp_path, port=taken.getsockname()[1], browser=False)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        affectlens.view(tmp_path / "nowhere", browser=False)


@pytest.mark.parametrize(("fields", "says"), [
    ({"host": "0.0.0.0"}, "everybody who reaches this machine"), ({"host": "0.0.0.0", "token": "short"}, "at least 12"),
    ({"host": "a b"}, "an address such as"), ({"token": "a b"}, "letters, digits"), ({"token": "abc"}, "4 to 200"), ({"port": -1}, "from 0"),
    ({"port": 70000}, "65535"), ({"upload_limit": 0.0}, "from 0.001"),
])  # fmt: skip
def test_wrong_settings(fields, says):
    with pytest.raises(UsageError, match=says):
        ViewSettings(**fields)
    assert ViewSettings(host="0.0.0.0", token="long-enough-to-hold").is_local is False


def test_the_verb_is_a_function_and_its_room_has_another_name():
    import affectlens.workbench.start

    assert affectlens.view is affectlens.workbench.start.view and not hasattr(affectlens.view, "__path__")


def test_the_server_starts_without_torch():
    """Importing torch takes longer than all else together; nothing that only reads runs needs it."""
    code = "import sys, affectlens.workbench.start, affectlens.workbench.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
