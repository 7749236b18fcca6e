import { describe, expect, it } from "vitest";
import type { Edits } from "../src/lib/types";
import { interval, labelOf, told } from "../src/lib/work";

const edits = {
  labels: [
    { entry: "a", person: 0, start: 1, end: 2, label: "anger", rater: "eva", at: "2026-01-01T00:00:00Z" },
    { entry: "b", person: 0, start: 1, end: 2, label: null, rater: "eva", at: "2026-01-02T00:00:00Z" },
    { entry: "c", person: 0, start: 1, end: 2, label: "fear", rater: "max", at: "2026-01-01T00:00:00Z" },
    { entry: "d", person: 1, start: 1, end: 2, label: "neutral", rater: "max", at: "2026-01-01T00:00:00Z" },
  ],
} as unknown as Edits;

describe("human work", () => {
  it("counts the latest label of a rater for the same segment", () => {
    expect(labelOf(edits, "eva", 0, 1, 2)).toBeNull();
    expect(labelOf(edits, "max", 0, 1, 2)).toBe("fear");
    expect(labelOf(edits, "max", 1, 1.0004, 2)).toBe("neutral");
    expect(labelOf(edits, "max", 0, 1, 3)).toBeUndefined();
  });

  it("tells every action in words", () => {
    expect(told("merge", { people: [2, 3], into: 0 })).toBe("person 2 and person 3 are the same as person 0");
    expect(told("exclude", { start: 3, end: 5.5, person: null, reason: "door" })).toBe("0:03.0 to 0:05.5 taken out for everybody (door)");
    expect(told("split", { person: 1, at: 12, end: null })).toBe("person 1 is somebody else from 0:12.0 to the end");
    expect(told("label", { person: 0, start: 3, label: null })).toBe("person 0 at 0:03.0: cannot tell");
    expect(told("rename", { person: 0, name: "" })).toContain("taken back");
  });

  it("writes intervals, and why there is none", () => {
    expect(interval({ value: 0.614, low: 0.5, high: 0.7 })).toBe("0.61 [0.50, 0.70]");
    expect(interval({ value: null, low: null, high: null, why: "two raters are needed" })).toBe("two raters are needed");
  });
});
