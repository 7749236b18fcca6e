"""A corpus read from end to end: what was found, what was left out and why, and what of the rest can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from affectlens.core.progress import Progress, silent
from affectlens.core.results import SavedResult
from affectlens.corpora.account import Account, how_read
from affectlens.corpora.base import Corpus, account_of, items_of, whole_splits


@dataclass(frozen=True)
class Survey(SavedResult):
    """What is in a corpus.

    Attributes
    ----------
    counts : DataFrame
        Columns split, label, n (items) and unreadable (those of them that cannot be read).
    problems : dict of str to str
        Why each of these cannot be read, by the key of the item.
    account : Account
        What the reader found and dropped: ``found`` is ``items`` and all drops together.
    items : int
        Items of the whole corpus, each once.
    elsewhere : DataFrame
        Columns split, label, n: items of the whole corpus that a split of classes, such as four, leaves out.
    notes : dict of str to list of str
        By split how items were read that were not read as they stand in their files, a line a kind with the number of items.
    """

    kind: ClassVar[str] = "survey of a corpus"
    primary: ClassVar[str] = "counts"

    counts: pd.DataFrame
    problems: dict[str, str]
    account: Account = field(default_factory=Account)
    items: int = 0
    elsewhere: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``counts``: items of every label, a colour a split."""
        return {"counts": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        return alt.Chart(self.counts).mark_bar().encode(x=alt.X("n:Q", title="items"), y="label:N", color="split:N")

    @property
    def adds_up(self) -> bool:
        """Whether found is items and drops together; of a reader that does not count what it finds nothing is known."""
        return not self.account.found or self.account.found == self.items + self.account.dropped.total()

    def lines(self) -> list[str]:
        """Findings as lines of text: the whole corpus, what was dropped and why, and every split by label."""
        account = self.account
        if account.found:
            dropped = account.dropped.total()
            out = [f"found {account.found} {account.unit}: {self.items} items and {dropped} dropped"]
            if not self.adds_up:
                out.append(f"this does not add up: {account.found - self.items - dropped} are neither; please report it")
        else:
            out = [f"{self.items} items; this reader does not count what it leaves out"]
        out += [f"  {line}" for line in account.lines()]
        for split, rows in self.counts.groupby("split", sort=False):
            counts = ", ".join(f"{row.label} {row.n}" for row in rows.itertuples() if row.n)
            lost = int(rows.unreadable.sum())
            out.append(f"{split}: {rows.n.sum()} rows ({counts}), {rows.n.sum() - lost} read, {lost} cannot be read")
            left = self.elsewhere[self.elsewhere.split == split] if len(self.elsewhere) else self.elsewhere
            if len(left):
                shown = ", ".join(f"{row.label} {row.n}" for row in left.itertuples())
                out.append(f"  {left.n.sum()} of other labels are not in it ({shown})")
            out += [f"  {line}" for line in self.notes.get(str(split), [])]
        return out


def survey(corpus: Corpus, progress: Progress | None = None) -> Survey:
    """Read every item of every split.

    Parameters
    ----------
    corpus : Corpus
        As ``open_corpus`` gives it.
    progress : callable, optional
        Takes the split, items read, and items in all.

    Returns
    -------
    Survey
        Counts and problems.
    """
    progress = progress or silent
    parts, problems, left, notes = [], {}, [], {}
    for split in corpus.info.splits:
        table = corpus.table(split)
        unreadable: Counter[str] = Counter()
        noted: dict[str, tuple[str, ...]] = {}
        for done, item in enumerate(items_of(corpus, split), start=1):
            progress(f"reading {split}", done, len(table))
            if item.notes:
                noted[item.key] = item.notes
            if item.problem:
                problems[item.key] = item.problem
                unreadable[item.labels[0]] += 1
        counts = table.label.value_counts().rename_axis("label").reset_index(name="n")
        counts["unreadable"] = [unreadable[label] for label in counts.label]
        parts.append(counts.assign(split=split)[["split", "label", "n", "unreadable"]])
        left += _left_out(corpus, split, table)
        notes[split] = how_read(noted)
    whole = sum(len(corpus.table(split)) for split in whole_splits(corpus.info))
    elsewhere = pd.DataFrame(left, columns=["split", "label", "n"])
    return Survey(pd.concat(parts, ignore_index=True), problems, account_of(corpus), whole, elsewhere, notes)


def _left_out(corpus: Corpus, split: str, table: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Labels of the whole corpus (or of the part that the split is of) that the split leaves out, with their number."""
    if "all" not in corpus.info.splits or split == "all":
        return []
    whole = corpus.table("all")
    if "split" in whole and (whole.split == split).any():
        whole = whole[whole.split == split]
    elif split not in ("four", "six", "seven"):
        return []
    rest = whole[~whole.key.isin(table.key)]
    return [(split, str(label), int(count)) for label, count in rest.label.value_counts().items()]
