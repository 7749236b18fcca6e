"""Claims: one process at a time on a piece of work, on folders that several machines may share.

A claim is a file that is linked to its name, which only one process can do. Its holder touches it now and then. A claim that
was not touched for long is stale: whoever finds it links the next number (``NAME.1`` over ``NAME.0``), so a claim that somebody
else has just taken is never taken away. How old a claim is, is told by the times that the folder's own file system gives, and
only where it was also seen to stay untouched for some seconds, so neither clocks that differ by hours nor one that is set
anew meanwhile make a claim stale. On the machine of its holder a claim is stale as soon as the process has ended.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import re
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from affectlens.core.disk.files import not_written, remove_temporaries, sync, temporary_beside
from affectlens.core.disk.processes import is_alive, machine, start_of
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import OutputError
from affectlens.ledger.clock import modified, probe, touched

_NAMED = re.compile(r"(?P<name>.+)\.(?P<number>\d+)", re.DOTALL)
_CANNOT_LINK = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@dataclass(frozen=True)
class Timing:
    """Seconds: between two touches of a claim, untouched until it is stale, and watched before that is believed."""

    beat: float = 20.0
    stale: float = 180.0  # other machines may be told an old time for a minute
    watched: float = 30.0


@dataclass(frozen=True)
class Holder:
    """Whose a claim is.

    Attributes
    ----------
    number : int
        How many processes ended over this work before without giving it back.
    about : dict
        Host, process, version and token; empty where the claim is torn.
    """

    number: int
    about: dict[str, Any]

    def __str__(self) -> str:
        if not self.about:
            return "another process"
        return f"process {self.about.get('process')} on {self.about.get('host')}"

    @property
    def ended(self) -> bool:
        """Whether it is known that the process has ended: it was one of this machine."""
        if self.about.get("machine") != machine():
            return False
        return not is_alive(int(self.about.get("process", 0)), str(self.about.get("started", "")))


class Claim:
    """A claim that this process holds; as a context it is given back at the end.

    Attributes
    ----------
    file : Path
        Where it lies.
    number : int
        How many processes ended over this work before without giving it back.
    """

    def __init__(self, claims: Claims, name: str, number: int, token: str) -> None:
        self.name, self.number, self.token = name, number, token
        self._claims = claims
        self.file = claims.folder / f"{name}.{number}"

    @property
    def is_ours(self) -> bool:
        """Whether nobody took the work over, as happens to a process that stood still for minutes."""
        latest = self._claims.holder(self.name)
        return latest is not None and latest.about.get("token") == self.token

    def release(self) -> None:
        """Give the work back, and forget those who ended over it."""
        self._claims.forget(self)
        for number in sorted(self._claims.numbers(self.name)):
            if number <= self.number:
                (self._claims.folder / f"{self.name}.{number}").unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(OSError):  # a folder that vanished: what failed in it was told already
            self.release()


class Claims:
    """The claims in a folder.

    Parameters
    ----------
    folder : Path
        Where they lie; made with the first.
    timing : Timing
        When a claim is stale.
    """

    def __init__(self, folder: Path, timing: Timing | None = None) -> None:
        self.folder, self.timing = folder, timing or Timing()
        self._held: dict[str, Claim] = {}
        self._watched: dict[str, tuple[float, float]] = {}  # file: its time, and since when it was seen to be that
        self._beating: threading.Thread | None = None
        self._lock = threading.Lock()
        self._taking = threading.Lock()

    def take(self, name: str, about: str = "") -> Claim | Holder:
        """Claim a piece of work, taking over what is stale.

        Parameters
        ----------
        name : str
            Of the work; a name of a file.
        about : str
            What it is, for people who look into the folder.

        Returns
        -------
        Claim or Holder
            The claim, or whose it is.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        with self._taking:
            return self._taken(name, about)

    def _taken(self, name: str, about: str) -> Claim | Holder:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_temporaries(self.folder)
            holder = self.holder(name)
            if holder is not None and not self._is_stale(name, holder):
                return holder
            claim = Claim(self, name, 0 if holder is None else holder.number + 1, secrets.token_hex(8))
            if not self._linked(claim, about):
                return self.holder(name) or Holder(claim.number, {})
        except OSError as error:
            raise OutputError(not_written(self.folder / name, error)) from error
        self._keep(claim)
        return claim

    def holder(self, name: str) -> Holder | None:
        """Who claimed a piece of work last; None where nobody does."""
        numbers = self.numbers(name)
        if not numbers:
            return None
        return Holder(max(numbers), _about(self.folder / f"{name}.{max(numbers)}"))

    def numbers(self, name: str) -> list[int]:
        """Numbers of the claims of a piece of work."""
        return [number for other, number in self._all() if other == name]

    def names(self) -> set[str]:
        """Everything that is claimed, stale or not."""
        return {name for name, _ in self._all()}

    def is_stale(self, name: str) -> bool:
        """Whether a claim is one that can be taken over, as far as is known now."""
        holder = self.holder(name)
        return holder is not None and self._is_stale(name, holder)

    def forget(self, claim: Claim) -> None:
        """Touch a claim no more."""
        with self._lock:
            self._held.pop(claim.token, None)

    def release_all(self) -> None:
        """Give back everything that this process holds, as it ends: nothing can be claimed afterwards."""
        self._taking.acquire(timeout=5.0)  # kept, so that no other thread begins a piece of work in between
        for claim in list(self._held.values()):
            with contextlib.suppress(OSError):
                claim.release()

    def _all(self) -> list[tuple[str, int]]:
        try:
            with os.scandir(self.folder) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            return []
        found = (_NAMED.fullmatch(name) for name in names if not name.startswith(".affectlens-"))
        return [(match["name"], int(match["number"])) for match in found if match]

    def _linked(self, claim: Claim, about: str) -> bool:
        """Whether the claim became ours; of several that try only one's does."""
        facts = {
            "token": claim.token, "machine": machine(), "process": os.getpid(), "started": start_of(os.getpid()),
            "host": platform.node(), "affectlens": package_version(), "work": about,
        }  # fmt: skip
        trial = temporary_beside(claim.file)
        try:
            trial.write_text(json.dumps(facts), encoding="utf-8", errors="backslashreplace")
            sync(trial)
            try:
                os.link(trial, claim.file)
            except FileExistsError:
                return trial.stat().st_nlink == 2  # the answer to a request that was carried out may be lost on the way
            except OSError as error:
                if error.errno not in _CANNOT_LINK:
                    raise
                return _created(claim.file, trial.read_bytes())
            return True
        finally:
            trial.unlink(missing_ok=True)

    def _is_stale(self, name: str, holder: Holder) -> bool:
        if holder.ended:
            return True
        file = self.folder / f"{name}.{holder.number}"
        try:
            changed = modified(file)
            with probe(self.folder) as trial:
                now = touched(trial)
        except FileNotFoundError:
            return False  # given back just now
        here = time.monotonic()
        key = f"{file}\0{holder.about.get('token', '')}"
        before, since = self._watched.get(key, (changed, here))
        if before != changed:
            since = here
        self._watched[key] = changed, since
        untouched = here - since
        return untouched > self.timing.stale or (now - changed > self.timing.stale and untouched >= self.timing.watched)

    def _keep(self, claim: Claim) -> None:
        with self._lock:
            self._held[claim.token] = claim
            if self._beating is None or not self._beating.is_alive():
                self._beating = threading.Thread(target=self._beat, name="claims", daemon=True)
                self._beating.start()

    def _beat(self) -> None:
        while True:
            time.sleep(self.timing.beat)
            with self._lock:
                held = list(self._held.values())
                if not held:
                    self._beating = None
                    return
            for claim in held:
                with contextlib.suppress(OSError):  # given back meanwhile, or the folder is away for a while
                    touched(claim.file)


def _about(file: Path) -> dict[str, Any]:
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(facts) if isinstance(facts, dict) else {}


def _created(file: Path, content: bytes) -> bool:
    """The same on file systems without links: the name is taken at once, what it holds follows."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(handle, content)
    finally:
        os.close(handle)
    return True
