"""What an audit of acoustic features found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectlens.core.listing import some
from affectlens.stats.resolution import out_of_reach, reach_of

if TYPE_CHECKING:
    from affectlens.audits.features.result import FeatureAudit

ALPHA = 0.05
TOP = 5  # single features that are named


def glance(audit: FeatureAudit) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    groups = list(map(str, audit.groups.sort_values("permuted", ascending=False).group))
    needed = list(map(str, audit.groups[audit.groups.left_out_p_holm <= ALPHA].group))
    then = f" It cannot do without {some(needed, 4)}." if needed else " It can do without any one of them, as far as is shown."
    unknown = [f"{len(audit.left_out)} clips could not be heard"] if len(audit.left_out) else []
    if audit.agreement.empty:
        unknown.append("whether other corpora agree: there is one")
    unknown.append("features that say the same share what they are worth")
    return {
        "Asked": f"Which of {len(audit.features)} acoustic features does the model rest on?",
        "Found": f"Most on {some(groups, 3)}.{then}",
        "How sure": "What it cannot do without is named wrongly one time in twenty at most; the order is not tested.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: FeatureAudit) -> list[str]:
    """Each group, the most important features, whether corpora agree, and what has to be known of how they were read."""
    groups = [
        f"{g.group}: log loss {g.permuted:+.3f} bit when shuffled ({g.permuted_low:.3f} to {g.permuted_high:.3f}), "
        f"{g.left_out:+.3f} when left out."
        for g in audit.groups.sort_values("permuted", ascending=False).itertuples()
    ]
    top = [
        f"{row.feature}: {row.permuted:+.4f} bit, p adjusted {row.p_bh:.3g}." for row in audit.features.head(TOP).itertuples()
    ]
    return [*groups, *top, agreement_sentence(audit), *audit.provenance.data.get("notes", ())]


def agreement_sentence(audit: FeatureAudit) -> str:
    """Whether corpora agree on what matters."""
    table = audit.agreement
    if table.empty:
        return "There is one corpus, so there is nothing to compare between corpora."
    # With two corpora their one correlation is the mean.
    rows = table[table.corpora == "mean"] if (table.corpora == "mean").any() else table
    mean = rows.set_index("of").rank_correlation
    return (
        f"Between corpora the ranks of features agree by {mean['features']:.2f} and of groups by {mean['groups']:.2f} (mean "
        "Spearman correlation)."
    )


def groups_sentence(audit: FeatureAudit) -> str:
    """Which group's shuffling harms most, and which the model cannot do without."""
    names = list(audit.groups.sort_values("permuted", ascending=False).group)
    needed = audit.groups[audit.groups.left_out_p_holm <= ALPHA].group.tolist()
    then = f", then {', '.join(names[1:])}" if len(names) > 1 else ""
    first = f"Shuffling the {names[0]} features harms most{then}. "
    reach = reach_of(audit.groups)
    if needed:
        return f"{first}Trained again without them, the model is significantly worse without {', '.join(needed)}.{reach}"
    if out_of_reach(audit.groups):
        return f"{first}Whether the model needs any of them cannot be shown.{reach}"
    same = "Trained again without any one group, the model is not significantly worse: they stand in for each other."
    return f"{first}{same}{reach}"


def features_sentence(audit: FeatureAudit) -> str:
    """How many single features matter."""
    table = audit.features
    return (
        f"{int((table.p_bh <= ALPHA).sum())} of {len(table)} features matter when shuffled, "
        f"{int((table.conditional_p_bh <= ALPHA).sum())} when only what the other features do not foretell is shuffled (p "
        "adjusted by Benjamini and Hochberg, one-sided, over speakers). Features that say the same share their importance: the "
        f"conditional value tells what a feature adds.{reach_of(table, 'Benjamini-Hochberg')}"
    )
