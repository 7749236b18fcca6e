"""What trainings on a corpus with splits share: items that can be read, and the lines of a card on the corpus."""

from __future__ import annotations

from affectlens.core.errors import CorpusError
from affectlens.corpora.base import Corpus, Item, check_split, items_of

LEAST = 2  # items of a split: half of those of the validation split fit the temperature, half the conformal set


def readable(corpus: Corpus, split: str, missed: dict[str, str]) -> list[Item]:
    """What can be learned from or chosen by, from a split in which there is enough of it; the rest is added to ``missed``."""
    every_item = list(items_of(corpus, check_split(corpus, split)))
    missed |= {f"{split}/{item.key}": item.problem for item in every_item if item.data is None}
    items = [item for item in every_item if item.data is not None]
    if len(items) < LEAST:
        raise CorpusError(
            f"{corpus.info.name}, {split}: {len(items)} items that can be read; at least {LEAST} are needed to train on and to "
            "calibrate on each"
        )
    return items


def facts_of(corpus: Corpus) -> list[str]:
    """Lines of a card on the corpus and its licence."""
    return [
        f"Corpus: {corpus.info.title}, {corpus.info.home}",
        f"Licence of the corpus, which the weights inherit: {corpus.info.licence}",
    ]
