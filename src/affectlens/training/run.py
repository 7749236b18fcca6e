"""What training functions share: what they are given, what they give back, and what a corpus holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from affectlens.core.disk.cache import contents_of
from affectlens.core.disk.files import key_of, make_folder, sha256_of
from affectlens.core.errors import UsageError
from affectlens.core.results import SavedResult
from affectlens.corpora.base import Corpora, Corpus, CorpusInfo, corpora_of
from affectlens.stats.resample import Estimate

PARTS = "parts"  # the folder of a run that keeps what a stopped run goes on from


@dataclass(frozen=True)
class TrainingRun(SavedResult):
    """What a training function gives back.

    Parameters
    ----------
    weights : Path
        The weights that ship.
    card : Path
        Their model card.
    scores : pandas.DataFrame
        The scores of the recipe on data that no network of it learned from.
    tables : dict of str to pandas.DataFrame
        What else the run found.
    missed : dict of str to str
        Items of the corpora that could not be read, and why.
    notes : tuple of str
        What has to be known of how the corpora and their items were read.
    """

    kind: ClassVar[str] = "training run"

    weights: Path
    card: Path
    scores: pd.DataFrame
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    missed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The scores."""
        return self.scores.copy()

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``scores``: each with its interval, where the recipe gives them so."""
        return {"scores": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        if not {"score", "value", "low", "high"} <= set(self.scores):
            return None
        base = alt.Chart(self.scores).encode(y=alt.Y("score:N", title=None, sort=None))
        return base.mark_rule().encode(x=alt.X("low:Q", title="score, 95 %"), x2="high:Q") + base.mark_point().encode(
            x="value:Q"
        )


def one_corpus(corpora_given: Corpora) -> tuple[str, Path]:
    """The name and path of a single corpus; several are an error."""
    corpora = corpora_of(corpora_given)
    if len(corpora) != 1:
        raise UsageError(f"{', '.join(corpora)}: one corpus was expected")
    return next(iter(corpora.items()))


def folder_of(out: str | Path) -> Path:
    """The folder of a run, made where it is not there; one that cannot be made is an OutputError."""
    return make_folder(Path(out))


def content_of(corpus: Corpus, path: Path, split: str) -> str:
    """A key of everything that a split holds: its table, and the bytes of its files."""
    table = corpus.table(split)
    contents = contents_of(list(table.path)) if "path" in table else [sha256_of(path)]
    return key_of(corpus.info.name, split, table.drop(columns="path", errors="ignore").to_json(), contents)


def licence_of(*infos: CorpusInfo) -> dict[str, str]:
    """The entries of a weights file that say where its training data are from."""
    several = len(infos) > 1
    return {
        "corpus": "; ".join(info.title for info in infos),
        "licence": "; ".join(f"{info.title}: {info.licence}" if several else info.licence for info in infos),
        "home": "; ".join(info.home for info in infos),
    }


def scores_frame(scores: dict[str, Estimate]) -> pd.DataFrame:
    """Scores with their intervals as a table with the columns score, value, low, high, n and groups."""
    return pd.DataFrame([{"score": name, **asdict(estimate)} for name, estimate in scores.items()])
