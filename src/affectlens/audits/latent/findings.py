"""What an audit of a speech latent found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from affectlens.audits.latent.clusters import ITSELF
from affectlens.core.listing import some
from affectlens.stats.resolution import out_of_reach, reach_of

if TYPE_CHECKING:
    from affectlens.audits.latent.result import LatentAudit

ALPHA = 0.05


def glance(audit: LatentAudit) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    table = audit.agreement
    compared = table[(table.clusters != ITSELF) & table.p_holm.notna()]
    beyond = compared[compared.p_holm <= ALPHA].sort_values("ari", ascending=False)
    factors = list(dict.fromkeys(map(str, beyond.factor)))
    none = "Nothing that was known of the clips, as far as is shown."
    if out_of_reach(table):
        none = "Nothing: with so few speakers and draws nothing can be shown."
    unknown = [f"{len(audit.left_out)} clips could not be heard"] if len(audit.left_out) else []
    if audit.shift.empty:
        unknown.append("how corpora differ: there is one")
    unknown.append("whether the network uses what its clusters follow")
    return {
        "Asked": f"What do the clusters of the network's small code of {len(audit.points)} clips follow?",
        "Found": f"More than by chance {some(factors, 5)}, the first most." if factors else none,
        "How sure": "Where they follow nothing, a page like this names something one time in twenty at most.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: LatentAudit) -> list[str]:
    """Clusters, what they agree with, how much of the latent is the corpus, and notes on how the corpora were read."""
    clusterings = [_clustering(audit, i) for i in range(len(audit.clusterings))]
    return [*clusterings, agreement_sentence(audit), corpus_sentence(audit), *audit.provenance.data.get("notes", ())]


def _clustering(audit: LatentAudit, number: int) -> str:
    clustering = audit.clusterings[number]
    if clustering.count == 0:
        return f"{clustering.method} found no clusters."
    start = f"{clustering.method}: {clustering.count} clusters (silhouette {clustering.silhouette:.3f})"
    rows = audit.agreement[audit.agreement.clusters == clustering.method].sort_values("ari", ascending=False)
    if rows.empty:
        return f"{start}; no factor with two values to compare them with."
    best = rows.iloc[0]
    return f"{start}; most like {best.factor} (ARI {best.ari:.3f}, p adjusted {best.p_holm:.3g})."


def agreement_sentence(audit: LatentAudit) -> str:
    """With which factors the clusters agree beyond chance."""
    table = audit.agreement
    compared = table[(table.clusters != ITSELF) & table.p_holm.notna()]
    if compared.empty:
        return "No clusters were compared with any factor: none was found, or every factor has one value."
    beyond = compared[compared.p_holm <= ALPHA]
    reach = reach_of(table)
    if beyond.empty and out_of_reach(table):
        return f"Whether a clustering agrees with a factor beyond chance cannot be shown.{reach}"
    if beyond.empty:
        return f"No clustering agrees with any factor beyond chance.{reach}"
    best = beyond.sort_values("ari", ascending=False).drop_duplicates("factor")
    parts = [f"{row.factor} (ARI {row.ari:.2f}, {row.clusters})" for row in best.itertuples()]
    return f"Beyond chance the clusters agree with {', '.join(parts)}.{reach}"


def corpus_sentence(audit: LatentAudit) -> str:
    """How well the corpus can be told from the features and from the latent, or why that was not asked."""
    if audit.shift.empty:
        return (
            "There is one corpus, so nothing can be said about differences between corpora: the corpus probe and the "
            "discrepancy were left out. Give several --corpus to see them."
        )
    first, last = audit.shift.iloc[0], audit.shift.iloc[-1]
    return (
        f"A probe tells the corpus of speakers that it never heard with UAR {first.corpus_probe:.2f} from the features "
        f"as measured and {last.corpus_probe:.2f} from the latent; chance is {first.chance:.2f}."
    )
