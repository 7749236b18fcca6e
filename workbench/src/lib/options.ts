/** Values of options as forms give them. */

import type { OptionSpec } from "./types";

/** Only what differs from the default: what is not said stays as the command line has it. */
export function changedOptions(specs: readonly OptionSpec[], values: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const spec of specs) {
    const value = values[spec.name];
    if (value === undefined || value === null || value === "") continue;
    if (JSON.stringify(value) !== JSON.stringify(spec.default)) out[spec.name] = value;
  }
  return out;
}

/** What is wrong with a value, in words; empty where nothing is. */
export function wrong(spec: OptionSpec, value: unknown): string {
  if (value === undefined || value === null || value === "") return "";
  if (spec.kind === "int" || spec.kind === "float") {
    const number = Number(value);
    if (!Number.isFinite(number)) return `${spec.name} must be a number`;
    if (spec.kind === "int" && !Number.isInteger(number)) return `${spec.name} must be a whole number`;
    if (spec.least != null && number < spec.least) return `${spec.name} must be at least ${spec.least}`;
    if (spec.most != null && number > spec.most) return `${spec.name} must be at most ${spec.most}`;
  }
  if (spec.kind === "list" && Array.isArray(value) && !value.length && spec.name === "modalities") return "choose at least one modality";
  return "";
}
