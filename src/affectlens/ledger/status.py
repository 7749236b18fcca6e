"""What a folder of results holds: how many inputs are done, failed, being worked on and open; and setting that right."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from affectlens.core.disk.files import remove_temporaries
from affectlens.core.errors import UsageError
from affectlens.ledger.claims import Claims, Timing
from affectlens.ledger.records import DONE, FAILED, Item, Records

FOLDER = ".affectlens"  # below a folder of reports; beside a table it is the folder of its parts
CLAIMED, STALE, OPEN = "claimed", "stale", "open"
SCRATCH = "scratch"


@dataclass(frozen=True)
class Counts:
    """How many inputs are in which state.

    Attributes
    ----------
    done, failed : int
        That came to a result, or to nothing.
    claimed, stale : int
        Pieces of work that a process is at, and those whose process seems to have ended; a run takes the latter over.
    open : int
        That nobody looked at yet.
    failures : tuple of Item
        The inputs that failed.
    """

    done: int
    failed: int
    claimed: int
    stale: int
    open: int
    failures: tuple[Item, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row a state."""
        states = (DONE, FAILED, CLAIMED, STALE, OPEN)
        return pd.DataFrame({"state": states, "inputs": [getattr(self, state) for state in states]})


class Ledger:
    """Records and claims of one folder of results.

    Parameters
    ----------
    root : Path
        The hidden folder in which they lie.
    timing : Timing, optional
        When a claim is stale.
    """

    def __init__(self, root: Path, timing: Timing | None = None) -> None:
        self.root = root
        self.records = Records(root)
        self.claims = Claims(root / "claims", timing)

    @property
    def scratch(self) -> Path:
        """Where results lie until they are whole."""
        return self.root / SCRATCH

    def counts(self) -> Counts:
        """How many inputs are in which state; of the inputs of all plans."""
        files = self.records.files()
        done, failures = 0, []
        for file in files:
            item = self.records.item(file)
            done += item is not None and item.state == DONE
            if item is not None and item.state == FAILED:
                failures.append(item)
        names = self.claims.names()
        stale = sum(self.claims.is_stale(name) for name in names)
        claimed = len(names) - stale
        return Counts(
            done, len(failures), claimed, stale, max(0, len(files) - done - len(failures) - len(names)), tuple(failures)
        )

    def retry(self) -> list[str]:
        """Forget what failed, also what killed its workers, so that the next run tries it again; gives the inputs."""
        failed = [item for item in self.records.items() if item.state == FAILED]
        self.records.forget(item.file for item in failed)
        return [item.file for item in failed]

    def clean(self) -> list[str]:
        """Remove stale claims and what broken-off work left; what a process is at stays. Gives the names of what went."""
        removed = []
        for name in sorted(self.claims.names()):
            if self.claims.is_stale(name):
                for number in self.claims.numbers(name):
                    (self.claims.folder / f"{name}.{number}").unlink(missing_ok=True)
                removed.append(name)
        remove_temporaries(self.claims.folder)
        busy = self.claims.names()
        for folder in sorted(self.scratch.glob("*")):
            if folder.name.rpartition(".")[0] not in busy:
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
        return removed


def ledger_of(out: Path, timing: Timing | None = None) -> Ledger:
    """The ledger of a folder of reports, or of the table that `recognize` writes.

    Returns
    -------
    Ledger
        Of that run.

    Raises
    ------
    UsageError
        None is kept there.
    """
    for root in (out / FOLDER, out.with_name(f".{out.name}.parts")):
        if (root / "plans").is_dir():
            return Ledger(root, timing)
    raise UsageError(f"{out}: no run is recorded there; give the folder of `explain --out`, or the table of `recognize --out`")
