import { describe, expect, it } from "vitest";
import { FAILED, found, graded, laneOf, nameOf, plainName, NOT_READ, NOTHING_THERE, OUT, said, segmentAt } from "../src/lib/lanes";
import type { RawLane } from "../src/lib/types";

const raw: RawLane = {
  person: 2,
  modality: "fused",
  scheme: "ekman7",
  labels: ["anger", "neutral"],
  start: [0, 1, 2, 3, 4.5],
  end: [1, 2, 3, 4, 5.5],
  label: [1, null, null, null, 0],
  confidence: [0.914, null, null, null, 0.6],
  probabilities: [[0.086, null, null, null, 0.6], [0.914, null, null, null, 0.4]],
  valence: [0, null, null, null, 0],
  arousal: [0, null, null, null, 0],
  quality: [1, null, null, null, 1],
  typical: [1, null, null, null, 1],
  weight: [1, null, null, null, 1],
  set: [[1], [], [], [], [0, 1]],
  conflict: [0, 0, 0, 0, 1],
  status: [0, 1, 2, 3, 0],
  reason: [null, 0, 1, null, null],
  excluded: [0, 0, 0, 0, 1],
  faithful: [1, null, null, null, 0],
};

describe("lanes", () => {
  const lane = laneOf(raw);

  it("gives each kind of segment its own code", () => {
    expect([...lane.code]).toEqual([1, NOT_READ, NOTHING_THERE, FAILED, OUT]);
  });

  it("finds the segment at a time and none in a gap", () => {
    expect(segmentAt(lane, 0)).toBe(0);
    expect(segmentAt(lane, 1)).toBe(1);
    expect(segmentAt(lane, 4.2)).toBe(-1);
    expect(segmentAt(lane, 4.5)).toBe(4);
    expect(segmentAt(lane, 5.5)).toBe(-1);
  });

  it("names segments and finds them again, however the start is written", () => {
    for (let index = 0; index < lane.start.length; index += 1) expect(found([lane], nameOf(lane, index))).toEqual({ lane, index });
    expect(found([lane], "2:fused:3.0")).toEqual({ lane, index: 3 });
    for (const bad of ["2:fused:3.4", "1:fused:3", "2:face:3", "", "a:b:c"]) expect(found([lane], bad)).toBeNull();
  });

  it("writes a start in one way", () => {
    expect(["0:fused:3.0", "-1:scene:0", "2:own:model:1.50", "x"].map(plainName)).toEqual(["0:fused:3", "-1:scene:0", "2:own:model:1.5", "x"]);
  });

  it("says what a segment says", () => {
    const reasons = ["the face is blurred", "no face in view"];
    expect([0, 1, 2, 3, 4].map((index) => said(lane, index, reasons))).toEqual([
      "neutral 91 %",
      "not judged: the face is blurred",
      "nothing to judge: no face in view",
      "failed",
      "taken out",
    ]);
  });

  it("grades probabilities with the steps of the reports", () => {
    expect([0.9, 0.85, 0.7, 0.5, 0.2].map(graded)).toEqual(["clearly", "clearly", "probably", "perhaps", "only weakly"]);
    expect(graded(null)).toBe("");
  });
});
