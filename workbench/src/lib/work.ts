/** What people did to a recording, in words; and what a label of a rater is for a segment. */

import type { Edits } from "./types";
import { clock } from "./time";

type Values = Record<string, unknown>;

const time = (value: unknown) => (typeof value === "number" ? clock(value) : "the end");
const who = (value: unknown) => (value === null || value === undefined ? "everybody" : `person ${value}`);

/** An entry of the history as a sentence. */
export function told(action: string, values: Values): string {
  switch (action) {
    case "rename":
      return values.name ? `${who(values.person)} is called “${values.name}”` : `the name of ${who(values.person)} was taken back`;
    case "merge":
      return `${[values.people].flat().map(who).join(" and ")} ${[values.people].flat().length === 1 ? "is" : "are"} the same as ${who(values.into)}`;
    case "split":
      return `${who(values.person)} is somebody else from ${time(values.at)} to ${time(values.end)}`;
    case "exclude":
      return `${time(values.start)} to ${time(values.end)} taken out for ${who(values.person)}${values.reason ? ` (${values.reason})` : ""}`;
    case "marker":
      return `marker at ${time(values.time)}${values.text ? `: ${values.text}` : ""}`;
    case "note":
      return `note at ${time(values.start)}: ${values.text}`;
    case "label":
      return `${who(values.person)} at ${time(values.start)}: ${values.label ?? "cannot tell"}`;
    case "remove":
      return "an entry was taken away";
    case "undo":
      return "undone";
    case "redo":
      return "done again";
    default:
      return action;
  }
}

/** The label that a rater gave a segment: the latest counts; undefined where none was given, null for "cannot tell". */
export function labelOf(edits: Edits, rater: string, person: number, start: number, end: number): string | null | undefined {
  let label: string | null | undefined;
  let at = "";
  for (const one of edits.labels) {
    if (one.rater !== rater || one.person !== person) continue;
    if (Math.abs(one.start - start) > 1e-3 || Math.abs(one.end - end) > 1e-3) continue;
    if (one.at >= at) [label, at] = [one.label, one.at];
  }
  return label;
}

/** An interval of agreement as papers write it. */
export function interval(one: { value: number | null; low: number | null; high: number | null; why?: string }): string {
  if (one.value === null) return one.why || "not known";
  const text = one.value.toFixed(2);
  return one.low !== null && one.high !== null ? `${text} [${one.low.toFixed(2)}, ${one.high.toFixed(2)}]` : text;
}
