"""The settings of an audit of concepts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from affectlens.audits.registry import declare_audit
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings, existing_file, setting

METHODS = ("pattern", "ridge", "svm", "sgd")  # of fitting a concept's direction
ALIASES = {"mean-difference": "pattern", "fastcav": "pattern", "lda": "ridge"}
STEPS = ("own", "all")  # of an utterance's dialogue that its direction is followed at


def _unknown_concept(names: tuple[str, ...]) -> str:
    from affectlens.audits.concepts.library.base import find

    try:
        find(list(names))
    except UsageError as error:
        return str(error)
    return ""


def _no_query(queries: tuple[str, ...]) -> str:
    for text in queries:
        name, _, query = (part.strip() for part in text.partition("="))
        if not name or not query:
            return f'{text!r} is not NAME=QUERY, for example long="text.str.len() > 80"'
    return ""


def _no_pair(pairs: tuple[str, ...]) -> str:
    for text in pairs:
        first, _, second = (part.strip() for part in text.partition(":"))
        if not first or not second:
            return f'{text!r} is not CONCEPT:OTHER, for example "smile:brow lowered"'
    return ""


def _absent(paths: tuple[Path, ...] | Path | None) -> str:
    return next(filter(None, map(existing_file, paths if isinstance(paths, tuple) else (paths,))), "")


@dataclass(frozen=True)
class ConceptSettings(Settings):
    """Settings of ``affectlens audit concepts``.

    ``test_concepts`` reads method, draws, counterparts, bootstraps and seed of them.
    """

    split: str = setting("test", "The part to look at; best one that the model did not learn from.")
    concepts: tuple[str, ...] = setting(
        (), "Names or groups, comma-separated; all that the corpus supports when absent.", check=_unknown_concept
    )
    query: tuple[str, ...] = setting(
        (), 'A concept of your own: NAME="query over columns"; repeat it.', check=_no_query, metavar="NAME=QUERY"
    )
    examples: tuple[Path, ...] = setting(
        (), "A folder whose files are named by utterances' keys, or a file of keys; repeat it.", check=_absent
    )
    against: tuple[str, ...] = setting(
        (), 'Relative: "CONCEPT:OTHER", the first against the second; repeat it.', check=_no_pair, metavar="CONCEPT:OTHER"
    )
    norms: Path | None = setting(None, "Affect norms of words, as Warriner et al. 2013 publish them.", check=_absent)
    units: Path | None = setting(None, "A csv of action units per utterance: key, AU12, …", check=_absent)
    layers: tuple[str, ...] = setting((), "Comma-separated; all that hold a state an utterance when absent.")
    method: str = setting("pattern", "pattern, ridge (lda), svm or sgd.", choices=(*METHODS, *ALIASES))
    step: str = setting("own", "own: the state at the utterance; all: at every utterance of its dialogue.", choices=STEPS)
    draws: int = setting(1999, "Pseudo-concepts.", least=1, most=1_000_000)
    counterparts: int = setting(0, "Random counterpart sets; 0 for all other utterances at once.", least=0, most=10_000)
    bootstraps: int = setting(300, "Resamplings of dialogues for the intervals; 0 for no intervals.", least=0, most=100_000)
    pool: int = setting(1500, "Utterances looked at, whole dialogues.", least=1)
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "concepts",
    ConceptSettings,
    "affectlens.audits.concepts.audit:concepts",
    help="Audit which human concepts move a contextual model's answer, at which layers, with tests that hold their level.",
    model_help="Weights of `affectlens train bclstm`.",
    listing="affectlens.audits.concepts.sources:listed",
)
