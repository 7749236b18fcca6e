"""Whether a finished run is as it was left: every byte of its folder against its chain of digests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import pandas as pd

from affectlens.core.disk.chain import check_chain
from affectlens.core.errors import UsageError
from affectlens.core.results.saved import SavedResult


@dataclass(frozen=True)
class Verification(SavedResult):
    """What differs between a run's folder and what it was when the run was finished.

    Attributes
    ----------
    run : str
        The folder.
    files : int
        Files that the chain names.
    head : str
        The head of the chain, 64 digits: it stands for every byte of every file.
    made_by : str
        The version of affectlens that wrote the chain.
    changes : DataFrame
        Columns file, what (changed, removed, added, chain broken) and detail; empty where all is as it was.
    """

    kind: ClassVar[str] = "verification"
    primary: ClassVar[str] = "changes"

    run: str
    files: int
    head: str
    made_by: str
    changes: pd.DataFrame

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, added or removed."""
        return len(self.changes) == 0

    def findings(self) -> list[str]:
        """What was found, a sentence each."""
        if self.whole:
            return [f"all {self.files} files are as they were when the run was finished", f"head of the chain: {self.head}"]
        count = self.changes.what.value_counts()
        return [
            f"{', '.join(f'{times} {what}' for what, times in count.items())}: this is not the run as it was finished "
            f"({self.files} files)"
        ]


def verify(run: str | Path, *, head: str = "") -> Verification:
    """Find every byte that was changed, added or removed in the folder of a finished run.

    Parameters
    ----------
    run : path
        The folder of ``explain --out`` or of an audit.
    head : str
        The head of the chain as it was noted when the run was finished: without it a chain that somebody wrote anew over other
        files cannot be told from the first.

    Returns
    -------
    Verification
        ``whole`` where all is as it was; ``changes`` lists what is not.

    Raises
    ------
    UsageError
        No such folder, no chain in it, or a head that is none.

    Examples
    --------
    >>> import tempfile
    >>> from affectlens.core.disk.chain import write_chain
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "table.csv").write_text("a,b")
    ...     _ = write_chain(Path(folder))
    ...     _ = Path(folder, "more.csv").write_text("c")
    ...     verify(folder).changes.to_numpy().tolist()
    [['more.csv', 'added', 'the chain does not name it']]
    """
    folder = Path(run)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; the folder of a finished run was expected")
    noted = head.strip().lower()
    if noted and (len(noted) != 64 or set(noted) - set("0123456789abcdef")):
        raise UsageError(f"--head {head}: 64 hexadecimal digits were expected, as `affectlens verify` prints them")
    found = check_chain(folder, noted)
    changes = pd.DataFrame([asdict(change) for change in found.changes], columns=["file", "what", "detail"])
    return Verification(str(folder), found.files, found.head, found.version, changes)
