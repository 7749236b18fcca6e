/** What was shown to be faithful, what was not, and what nobody tested. */

/** The words beside an explanation. */
export function verdict(faithful: boolean | null | undefined): { text: string; tone: "good" | "bad" | "" } {
  if (faithful === true) return { text: "tested: faithful", tone: "good" };
  if (faithful === false) return { text: "tested: not shown to be faithful", tone: "bad" };
  return { text: "not tested", tone: "" };
}

/** Whether an explanation is shown while everything that was not shown to be faithful is hidden. */
export function stays(hide: boolean, faithful: boolean | null | undefined): boolean {
  return !hide || faithful === true;
}

/** Kinds of clauses that state an explanation of a model; the others state what was answered, counted or measured. */
const EXPLAINS = new Set(["region", "attention", "word", "relevance", "gait relevance", "posture relevance", "object", "concept"]);

/** Whether a clause of the narrative stays. */
export function clauseStays(hide: boolean, clause: { kind: string; faithful: boolean | null }): boolean {
  return !hide || clause.faithful === true || (clause.faithful !== false && !EXPLAINS.has(clause.kind));
}

/** A p-value as papers write it. */
export function pValue(p: number | null | undefined): string {
  if (p === null || p === undefined || !Number.isFinite(p)) return "";
  if (p < 0.001) return "p < .001";
  return `p = ${p.toFixed(p < 0.1 ? 3 : 2).replace(/^0/, "")}`;
}
