import { describe, expect, it } from "vitest";
import { clauseStays, pValue, stays, verdict } from "../src/lib/faithful";
import { changedOptions, wrong } from "../src/lib/options";

describe("what was shown to be faithful", () => {
  it("stays alone while the rest is hidden", () => {
    expect([true, false, null].map((one) => stays(true, one))).toEqual([true, false, false]);
    expect([true, false, null].map((one) => stays(false, one))).toEqual([true, true, true]);
  });

  it("leaves answers and counts in the narrative, which explain nothing", () => {
    expect(clauseStays(true, { kind: "share of time", faithful: null })).toBe(true);
    expect(clauseStays(true, { kind: "region", faithful: null })).toBe(false);
    expect(clauseStays(true, { kind: "region", faithful: true })).toBe(true);
    expect(clauseStays(true, { kind: "voice", faithful: false })).toBe(false);
    expect(clauseStays(false, { kind: "region", faithful: false })).toBe(true);
  });

  it("says so in words", () => {
    expect(verdict(null).text).toBe("not tested");
    expect(pValue(0.05)).toBe("p = .050");
    expect(pValue(0.0002)).toBe("p < .001");
    expect(pValue(0.42)).toBe("p = .42");
    expect(pValue(null)).toBe("");
  });
});

describe("options of a form", () => {
  const specs = [
    { name: "window", kind: "float" as const, default: 1, least: 0.2, most: 60, help: "" },
    { name: "modalities", kind: "list" as const, default: ["face", "words"], choices: ["face", "words"], help: "" },
    { name: "faithfulness", kind: "int" as const, default: 2, help: "" },
  ];

  it("sends only what was changed", () => {
    expect(changedOptions(specs, { window: 2, modalities: ["face", "words"], faithfulness: undefined })).toEqual({ window: 2 });
    expect(changedOptions(specs, { window: 1 })).toEqual({});
  });

  it("says what is wrong before anything is sent", () => {
    expect(wrong(specs[0], 0.1)).toContain("at least 0.2");
    expect(wrong(specs[0], 99)).toContain("at most 60");
    expect(wrong(specs[1], [])).toContain("at least one");
    expect(wrong(specs[2], 1.5)).toContain("whole number");
    expect(wrong(specs[2], 3)).toBe("");
  });
});
