/** How the main table of each kind of audit is drawn, and which examples a row leads to. */

import type { Audit, AuditTable } from "./types";

export type Cell = { value: number; low: number | null; high: number | null; p: number | null; row: Record<string, unknown> };

export interface Recipe {
  kind: "grid" | "dots" | "points";
  table: string;
  /** The column that names rows; several are joined by "+". */
  rows: string;
  columns: string;
  value: string;
  p: string;
  /** The value that says nothing: 1 for ratios, 0 for differences. */
  middle: number;
  /** A column whose values are drawn one at a time. */
  by?: string;
  title: string;
  how: string;
}

const has = (audit: Audit, table: string, names: string[]) => {
  const found = audit.tables.find((one) => one.name === table);
  return Boolean(found && found.rows > 0 && names.every((name) => found.columns.some((column) => column.name === name)));
};

/** The chart of an audit; null where its tables have nothing to draw. */
export function recipeOf(audit: Audit): Recipe | null {
  const objects = audit.tables.map((one) => one.name).filter((name) => /^(objects|groups)\b/.test(name));
  const candidates: Recipe[] = [
    ...(audit.kind === "latent"
      ? [{ kind: "points" as const, table: "points", rows: "key", columns: "", value: "x", p: "", middle: 0, title: "Clips in the latent space", how: "Every point is a clip; near points sound alike to the model. Choose one to hear it." }]
      : []),
    ...objects.map((table) => ({
      kind: "grid" as const,
      table,
      rows: "object",
      columns: "emotion",
      value: "lift",
      p: "p_bh",
      middle: 1,
      title: `What the model looks at (${table.split(".")[1] ?? table})`,
      how: "Relevance over area: 2 means twice as much as its size alone would bring. A ring marks what the test shows (corrected p below .05).",
    })),
    { kind: "grid", table: "effects.table", rows: "change+object", columns: "emotion", value: "effect", p: "p_holm", middle: 0, title: "What changing the picture does", how: "How far the answer moves when the picture, or a part of it, is changed. A ring marks what the test shows (corrected p below .05)." },
    { kind: "grid", table: "effects", rows: "object", columns: "label", value: "lift", p: "p_value", middle: 1, title: "What the model looks at", how: "Relevance over area." },
    { kind: "grid", table: "tests", rows: "property", columns: "output", value: "effect", p: "p_holm", middle: 0, title: "Does the output depend on the property?", how: "Effect of each property on each output. A ring marks what the test shows (corrected p below .05)." },
    { kind: "grid", table: "tests", rows: "concept", columns: "class", value: "shift", p: "p_holm", middle: 0, by: "layer", title: "Which concepts move the answer?", how: "Shift of the answer along each concept’s direction. A ring marks what the test shows (corrected p below .05)." },
    { kind: "dots", table: "features", rows: "feature", columns: "", value: "permuted", p: "p_bh", middle: 0, title: "Which features carry the answer?", how: "How much worse the model is when a feature is shuffled, with its interval. Full points are shown by the test (corrected p below .05)." },
  ];
  return (
    candidates.find(
      (one) => one.kind === "points" || has(audit, one.table, [...one.rows.split("+"), one.columns, one.value].filter(Boolean)),
    ) ?? null
  );
}

/** The rows of a table as records. */
export function records(table: AuditTable): Record<string, unknown>[] {
  return table.rows.map((row) => Object.fromEntries(table.columns.map((name, index) => [name, row[index]])));
}

const nameOf = (recipe: Recipe, row: Record<string, unknown>) =>
  recipe.rows
    .split("+")
    .map((column) => row[column])
    .filter((value) => value !== null && value !== undefined && value !== "")
    .join(" ");

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

function cell(recipe: Recipe, row: Record<string, unknown>): Cell | null {
  const value = number(row[recipe.value]);
  if (value === null) return null;
  const low = number(row[`${recipe.value}_low`]) ?? number(row.low);
  const high = number(row[`${recipe.value}_high`]) ?? number(row.high);
  return { value, low, high, p: number(row[recipe.p]), row };
}

/** A grid of cells by row and column names; rows with the strongest cells first. */
export function gridOf(recipe: Recipe, all: Record<string, unknown>[], chosen = ""): { rows: string[]; columns: string[]; cells: Map<string, Cell>; most: number } {
  const cells = new Map<string, Cell>();
  const strength = new Map<string, number>();
  const columns: string[] = [];
  let most = 0;
  for (const row of all) {
    if (recipe.by && chosen && String(row[recipe.by]) !== chosen) continue;
    const made = cell(recipe, row);
    const [name, column] = [nameOf(recipe, row), String(row[recipe.columns])];
    if (!columns.includes(column)) columns.push(column);
    if (!strength.has(name)) strength.set(name, 0);
    if (!made) continue;
    const known = cells.get(`${name}\n${column}`);
    // A table may have several rows for one cell (another change of the picture): the strongest stands for them.
    if (known && Math.abs(known.value - recipe.middle) >= Math.abs(made.value - recipe.middle)) continue;
    cells.set(`${name}\n${column}`, made);
    const far = Math.abs(made.value - recipe.middle);
    most = Math.max(most, far);
    strength.set(name, Math.max(strength.get(name) ?? 0, far));
  }
  const rows = [...strength.keys()].sort((a, b) => (strength.get(b) ?? 0) - (strength.get(a) ?? 0) || a.localeCompare(b));
  return { rows, columns, cells, most };
}

/** Named cells, the largest first. */
export function dotsOf(recipe: Recipe, all: Record<string, unknown>[]): { name: string; cell: Cell }[] {
  return all
    .map((row) => ({ name: nameOf(recipe, row), cell: cell(recipe, row) }))
    .filter((one): one is { name: string; cell: Cell } => one.cell !== null)
    .sort((a, b) => b.cell.value - a.cell.value);
}

const ALSO: Record<string, string[]> = {
  label: ["label", "emotion", "class", "output"],
  emotion: ["emotion", "label"],
  class: ["class", "label"],
  point: ["key", "point"],
  key: ["key", "image"],
  output: ["output", "label"],
};

/** The question for examples that a row of a table asks; null where the row names none of what they are chosen by. */
export function questionOf(audit: Audit, row: Record<string, unknown>): Record<string, string> | null {
  const question: Record<string, string> = {};
  for (const name of audit.examples.by) {
    const column = (ALSO[name] ?? [name]).find((one) => row[one] !== undefined && row[one] !== null && row[one] !== "");
    if (column) question[name] = String(row[column]);
  }
  return Object.keys(question).length ? question : null;
}

/** A value of a table as people read it. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") {
    if (Number.isInteger(value)) return String(value);
    const size = Math.abs(value);
    return size !== 0 && (size < 0.001 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  }
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}
