"""Who may ask: every request is looked at before any route sees it.

The page carries the token in its address once, and in a cookie from then on. Other pages that a browser has open can send
requests to this machine too, so the names in ``Host`` and ``Origin`` have to be the server's own, and what changes something
has to carry a header that no foreign page can add without asking first, which is not answered.
"""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The static reports carry their own styles and one script; they are shown without rights of any kind.
REPORT_CSP = (
    "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; font-src data:; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
SAFE = ("GET", "HEAD")
MARK = "x-affectlens"
MOST_BODY = 8 << 20  # bytes of a body that is no upload
UPLOAD = "/api/jobs/upload"
OPEN = ("/assets/", "/favicon.ico")  # the bundle itself, which anybody may have


class Guard:
    """Middleware that answers 401 and 403 itself and adds the headers that keep a page to itself.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    token : str
        What requests have to carry.
    hosts : iterable of str
        Names, with ports, under which the server may be asked.
    cookie : str
        The cookie's name.
    """

    def __init__(self, app: App, token: str, hosts: Iterable[str], cookie: str) -> None:
        self._app, self._token, self._cookie = app, token, cookie
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there are no sockets here
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path, method = scope["path"], scope["method"]
        if why := self._foreign(headers, method):
            await _refused(send, 403, "foreign", why)
            return
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = query.get("token", [""])[0]
        if path == "/" and method == "GET" and given:
            await self._enter(send, given)
            return
        if not path.startswith(OPEN) and path != "/" and not self._known(headers):
            await _refused(send, 401, "no-token", "open the address that `affectlens view` printed; it carries a token")
            return
        if path != UPLOAD and method not in SAFE:
            size = headers.get("content-length", "")
            if size.isdigit() and int(size) > MOST_BODY:
                await _refused(send, 413, "too-large", f"{int(size):,} bytes; at most {MOST_BODY:,} were expected")
                return
            await self._bounded(scope, receive, _with_headers(send, path))
            return
        await self._app(scope, receive, _with_headers(send, path))

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application read no more of a body than is allowed; its own answer to what was cut is not sent."""
        read = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BODY:
                raise _TooLargeError
            return message

        async def sent(message: MutableMapping[str, Any]) -> None:
            if read <= MOST_BODY:
                await send(message)

        with contextlib.suppress(_TooLargeError):
            await self._app(scope, counted, sent)
        if read > MOST_BODY:
            await _refused(send, 413, "too-large", f"more than {MOST_BODY:,} bytes")

    def _foreign(self, headers: dict[str, str], method: str) -> str:
        """Why a request is not one of our own page; empty for one that is."""
        if not self._ours(headers.get("host", "")):
            return "the name in the address is none of this server"
        origin = headers.get("origin")
        if origin is not None and not self._ours(_netloc(origin)):
            return "another page asked"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and headers.get("sec-fetch-mode") != "navigate":
            return "another page asked"
        if method not in SAFE and headers.get(MARK) != "1":
            return "requests that change something need the header X-Affectlens: 1"
        return ""

    def _ours(self, host: str) -> bool:
        """Whether a name with its port is one of this server; a plain number cannot be pointed here by a name service."""
        host = host.lower()
        if host in self._hosts:
            return True
        name, _, port = host.rpartition(":")
        if f"*:{port}" not in self._hosts:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    def _known(self, headers: dict[str, str]) -> bool:
        bearer = headers.get("authorization", "")
        if bearer.startswith("Bearer ") and self._same(bearer[7:]):
            return True
        try:
            held = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return held is not None and self._same(held.value)

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())

    async def _enter(self, send: Send, given: str) -> None:
        """The first visit: a cookie for the token, and the address without it."""
        if not self._same(given):
            await _refused(send, 401, "no-token", "the token in the address is not this server's; it changes with every start")
            return
        cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [
            (b"location", b"/"),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class _TooLargeError(Exception):
    """A body goes on beyond what is read."""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # brackets that do not close
        return ""


def _with_headers(send: Send, path: str) -> Send:
    async def added(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            csp = REPORT_CSP if "/files/" in path else CSP
            extra = HEADERS | {"content-security-policy": csp}
            if b"cache-control" not in given:
                extra["cache-control"] = "no-store"
            message = {
                **message,
                "headers": [
                    *message["headers"],
                    *((name.encode(), value.encode()) for name, value in extra.items() if name.encode() not in given),
                ],
            }
        await send(message)

    return added


async def _refused(send: Send, status: int, what: str, message: str) -> None:
    body = json.dumps({"error": {"what": what, "message": message}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    headers += [(name.encode(), value.encode()) for name, value in (HEADERS | {"content-security-policy": CSP}).items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
