"""What `affectlens view` may be told; every wrong value is an error before the server starts."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, setting

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST = 12  # letters of a token for others than this machine


def _host(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?", value):
            return "an address such as 127.0.0.1 or a name of this machine was expected"
    return ""


def _token(value: str) -> str:
    good = not value or re.fullmatch(r"[A-Za-z0-9._~-]{4,200}", value)
    return "" if good else "4 to 200 letters, digits, dots, dashes, tildes or underscores were expected"


@dataclass(frozen=True)
class ViewSettings(Settings):
    """Settings of the server.

    Examples
    --------
    >>> ViewSettings(port=8765).is_local
    True
    >>> ViewSettings(port=70000)
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: --port 70000: a number from 0 to 65535 was expected
    """

    host: str = setting("127.0.0.1", "Where to listen; another than this machine alone needs --token.", check=_host)
    port: int = setting(0, "Port; 0 takes 8765, or the next free one.", least=0, most=65535)
    token: str = setting("", "What the address must carry; drawn anew at each start when absent.", check=_token)
    browser: bool = setting(True, "Open the browser.")
    upload_limit: float = setting(16.0, "Most gigabytes of a file that is dropped on the page.", least=0.001, most=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.is_local and len(self.token) < SHORTEST:
            raise UsageError(
                f"--host {self.host}: everybody who reaches this machine could open the address, see the recordings and start "
                f"work; if that is wanted give --token with at least {SHORTEST} signs that nobody guesses (what goes over the "
                "network is not encrypted: use a tunnel such as ssh -L where others may listen)"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in LOOPBACK
