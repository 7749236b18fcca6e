"""Start the server, say where it is, open the browser, and end without a trace."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import UsageError
from affectlens.core.settings import shows_fields, with_fields
from affectlens.workbench.settings import ViewSettings

if TYPE_CHECKING:
    from affectlens.typed.fields import ViewSettingsFields

USUAL_PORT = 8765
TRIES = 20  # ports after the usual one
DEFAULT = Path("affectlens-report")  # where `explain` writes when it is not told
ENOUGH = 2  # seconds for requests that are under way when the server is stopped


@shows_fields(ViewSettings)
def view(
    *folders: str | Path,
    settings: ViewSettings | None = None,
    say: Callable[[str], None] = print,
    **fields: Unpack[ViewSettingsFields],
) -> None:
    """Serve the runs and audits below some folders to a browser on this machine, until it is stopped (Ctrl-C).

    Parameters
    ----------
    *folders : path
        In which runs lie; ``affectlens-report`` where it is there, else the current folder.
    settings : ViewSettings, optional
        Settings; or give them one by one.
    say : callable
        Takes the line with the address.
    **fields
        Fields of ``ViewSettings``.

    Raises
    ------
    UsageError
        A folder that is not there, a port that is taken, or a value that is not allowed.
    KeyboardInterrupt
        The system asks it to end, in another way than by Ctrl-C.
    """
    chosen = with_fields(ViewSettings, settings, fields)
    given = [Path(folder) for folder in folders] or [DEFAULT if DEFAULT.is_dir() else Path()]
    with helpful():
        import uvicorn

        from affectlens.workbench.app import create_app
        from affectlens.workbench.bench import Bench

    bench = Bench(given, chosen)
    listener = _listener(chosen)
    port = int(listener.getsockname()[1])
    token = chosen.token or secrets.token_urlsafe(24)
    app = create_app(bench, token, hosts_of(chosen.host, port), f"affectlens-{port}")
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=ENOUGH,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
        lifespan="on",
    )
    address = f"http://{_shown_host(chosen.host)}:{port}/?token={token}"
    say(address)
    threading.Thread(target=bench.library.refresh, name="first look", daemon=True).start()
    if chosen.browser:
        threading.Timer(0.5, webbrowser.open, (address,)).start()
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt as stop:
        if type(stop) is not KeyboardInterrupt:  # the system asks; only Ctrl-C is the ordinary end
            raise
    finally:
        bench.close()
        listener.close()


def hosts_of(host: str, port: int) -> list[str]:
    """Names, with the port, under which a server may be asked; ``*`` stands for every plain number of an address.

    Returns
    -------
    list of str
        For `affectlens.workbench.guard.Guard`.

    Examples
    --------
    >>> hosts_of("127.0.0.1", 8765)
    ['127.0.0.1:8765', 'localhost:8765', '[::1]:8765']
    """
    local = [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"]
    if f"{host}:{port}" in local or host == "::1":
        return local
    named = [socket.gethostname().lower(), socket.getfqdn().lower()] if _is_any(host) else [host.lower()]
    return [*local, *(f"{_bracketed(name)}:{port}" for name in dict.fromkeys(named)), *([f"*:{port}"] if _is_any(host) else [])]


def _listener(settings: ViewSettings) -> socket.socket:
    """A socket that listens at the port that is wanted, or at the next free one."""
    ports = [settings.port] if settings.port else [*range(USUAL_PORT, USUAL_PORT + TRIES), 0]
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    why: Any = None
    for port in ports:
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((settings.host, port))
            made.listen(128)
            return made
        except OSError as error:
            made.close()
            why = error.strerror or error
    raise UsageError(
        f"cannot listen at {settings.host}, port {settings.port or USUAL_PORT}: {why}; give another --host or --port"
    )


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _shown_host(host: str) -> str:
    return socket.gethostname() if _is_any(host) else _bracketed(host)
