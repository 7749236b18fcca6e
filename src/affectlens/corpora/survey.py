"""A corpus read from end to end: how many items of each label a split has, and what cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, items_of


@dataclass(frozen=True)
class Survey:
    """``counts`` has the columns split, label and n; ``problems`` maps the key of an item to why it cannot be read."""

    counts: pd.DataFrame
    problems: dict[str, str]

    def to_frame(self) -> pd.DataFrame:
        """The counts."""
        return self.counts


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
    tell = progress or silent
    parts, problems = [], {}
    for split in corpus.info.splits:
        table = corpus.table(split)
        counts = table.label.value_counts().rename_axis("label").reset_index(name="n")
        parts.append(counts.assign(split=split)[["split", "label", "n"]])
        for i, item in enumerate(items_of(corpus, split)):
            tell(f"reading {split}", i + 1, len(table))
            if item.problem:
                problems[item.key] = item.problem
    return Survey(pd.concat(parts, ignore_index=True), problems)
