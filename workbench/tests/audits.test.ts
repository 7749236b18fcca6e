import { describe, expect, it } from "vitest";
import { dotsOf, gridOf, questionOf, recipeOf, records, shown } from "../src/lib/audits";
import type { Audit } from "../src/lib/types";

const column = (name: string) => ({ name, kind: "text", help: "" });
const audit = (kind: string, tables: [string, string[], number?][], by: string[] = []) =>
  ({ kind, tables: tables.map(([name, columns, rows = 3]) => ({ name, rows, columns: columns.map(column), main: false })), examples: { kind: "pictures", by, table: "", how: "" } }) as unknown as Audit;

describe("charts of audits", () => {
  it("finds what there is to draw, and nothing in empty tables", () => {
    expect(recipeOf(audit("objects", [["objects.grad-cam", ["object", "emotion", "lift", "p_bh"]]]))?.table).toBe("objects.grad-cam");
    expect(recipeOf(audit("objects", [["objects.grad-cam", ["object", "emotion", "lift"], 0], ["effects.table", ["change", "object", "emotion", "effect"]]]))?.table).toBe("effects.table");
    expect(recipeOf(audit("properties", [["tests", ["property", "output", "effect"]]]))?.rows).toBe("property");
    expect(recipeOf(audit("concepts", [["tests", ["concept", "class", "shift", "layer"]]]))?.by).toBe("layer");
    expect(recipeOf(audit("features", [["features", ["feature", "permuted"]]]))?.kind).toBe("dots");
    expect(recipeOf(audit("latent", []))?.kind).toBe("points");
    expect(recipeOf(audit("features", [["features", ["feature", "permuted"], 0]]))).toBeNull();
  });

  const recipe = recipeOf(audit("objects", [["objects.x", ["object", "emotion", "lift", "p_bh"]]]))!;
  const rows = records({
    total: 5,
    page: 1,
    size: 9,
    columns: ["object", "emotion", "lift", "low", "high", "p_bh"],
    rows: [
      ["nose", "anger", 1.2, 1, 1.4, 0.2],
      ["mouth", "anger", 0.2, 0.1, 0.3, 0.01],
      ["mouth", "fear", null, null, null, null],
      ["nose", "fear", 1.1, 1, 1.2, 0.5],
      ["nose", "fear", 3, 2, 4, 0.001],
    ],
  });

  it("puts the strongest first, keeps the strongest of several and leaves what is not known empty", () => {
    const grid = gridOf(recipe, rows);
    expect(grid.rows).toEqual(["nose", "mouth"]);
    expect(grid.columns).toEqual(["anger", "fear"]);
    expect(grid.cells.get("nose\nfear")).toMatchObject({ value: 3, low: 2, high: 4, p: 0.001 });
    expect(grid.cells.has("mouth\nfear")).toBe(false);
    expect(grid.most).toBe(2);
  });

  it("sorts dots by size", () => {
    expect(dotsOf({ ...recipe, rows: "object" }, rows).map((one) => one.cell.value)).toEqual([3, 1.2, 1.1, 0.2]);
  });

  it("asks for the examples of a row by what they are chosen by", () => {
    const asked = audit("objects", [], ["object", "label"]);
    expect(questionOf(asked, { object: "nose", emotion: "fear" })).toEqual({ object: "nose", label: "fear" });
    expect(questionOf(asked, { lift: 2 })).toBeNull();
  });

  it("writes values as people read them", () => {
    expect([0.00012345, 1.23456, 12, null, true, 123456.7].map(shown)).toEqual(["1.2e-4", "1.23", "12", "", "yes", "1.2e+5"]);
  });
});
