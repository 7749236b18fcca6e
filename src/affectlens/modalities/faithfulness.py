"""Whether an explanation beats random ones, as evidence: the two tests by deletion and insertion."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.faithfulness import Faithfulness
from affectlens.modalities.base import Clip
from affectlens.modalities.section import SECTIONS, Section
from affectlens.modalities.telling import ALPHA, Sentence, at, sentence


@dataclass(frozen=True)
class FaithfulnessDetail(Detail):
    """What was tested (``explains``) and what stands for a part taken away (``blank``).

    With the area under the curve and its mean over ``random_orders``; ``grid`` are rows and columns of the parts of a picture.
    """

    explains: str
    blank: str
    auc: float
    random_auc: float
    random_orders: int
    grid: tuple[int, ...] = ()


def passed(evidence: Evidence) -> bool:
    """Whether a row of this kind shows that its explanation beats random orders."""
    return (evidence.value < 0) == (evidence.subject == "deletion") and evidence.p_value <= ALPHA


@evidence_kind("faithfulness", FaithfulnessDetail, unit="AUC minus random AUC", section="tests")
def faithfulness_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s taking parts away in the order of hirescam lowers the probability faster than random orders (…)."""
    deletion, better = evidence.subject == "deletion", passed(evidence)
    done, effect = ("taking parts away", "lower") if deletion else ("putting parts back", "raise")
    verdict = f"{effect}s" if better else f"is not shown to {effect}"
    explained = evidence.detail_as(FaithfulnessDetail).explains
    test = f"({evidence.subject}, p = {evidence.p_value:.2f})"
    return f"{at(evidence)} {done} in the order of {explained} {verdict} the probability faster than random orders {test}"


def faithfulness_evidence(
    clip: Clip, row: Row, tested: Faithfulness, *, explains: str, blank: str, grid: tuple[int, ...] = ()
) -> list[Evidence]:
    """The two rows, deletion and insertion, that say whether an explanation of ``row`` beats random orders."""
    out = []
    for name, value, chance, p_value in (
        ("deletion", tested.deletion, tested.deletion_random, tested.deletion_p),
        ("insertion", tested.insertion, tested.insertion_random, tested.insertion_p),
    ):
        detail = FaithfulnessDetail(explains, blank, round(value, 4), round(chance, 4), tested.random, grid)
        out.append(
            clip.evidence(
                row,
                "faithfulness",
                value - chance,
                subject=name,
                method=f"{name} (Petsiuk 2018)",
                p_value=p_value,
                test="rank among random orders, one-sided",
                detail=detail,
            )
        )
    return out


def first_test(rows: list[Evidence]) -> list[Sentence]:
    """The tests of the first explanation that was tested."""
    return sentence([row for row in rows if (row.start, row.modality) == (rows[0].start, rows[0].modality)])


SECTIONS.add("tests", Section("tests", first_test, story_order=95))
