import { describe, expect, it } from "vitest";
import { inside, moved, seenAt, tracksOf, valueAt, type Box } from "../src/lib/overlay";

const track = tracksOf({
  rate: 5,
  points: {},
  lines: [],
  people: [
    {
      person: 0,
      // A variable frame rate: 0.2, then 0.17 apart, then a gap of a second.
      time: [10, 10.2, 10.37, 11.37],
      box: [[0, 0, 0.2, 0.2], [0.1, 0, 0.2, 0.2], [0.2, 0.2, 0.2, 0.2], [0.5, 0.5, 0.1, 0.1]],
      marks: [[0, 0], [1, 1], null, [0.5, 0.5]],
    },
  ],
})[0];

describe("where a face is", () => {
  it("is between two samples by their own times", () => {
    const seen = seenAt(track, 10.1, 5)!;
    expect(seen.box[0]).toBeCloseTo(0.05);
    expect(seen.marks).toEqual([0.5, 0.5].map((value) => expect.closeTo(value)));
    expect(seenAt(track, 10.285, 5)!.box[1]).toBeCloseTo(0.1);
  });

  it("is not drawn in a gap, before or after, but half a step around a sample", () => {
    expect(seenAt(track, 10.9, 5)).toBeNull();
    expect(seenAt(track, 9.8, 5)).toBeNull();
    expect(seenAt(track, 9.95, 5)!.box[0]).toBeCloseTo(0);
    expect(seenAt(track, 11.46, 5)!.box[0]).toBeCloseTo(0.5);
    expect(seenAt(track, 11.48, 5)).toBeNull();
  });

  it("hands on landmarks of the nearer sample where the other has none", () => {
    expect(seenAt(track, 10.21, 5)!.marks).toEqual([1, 1]);
    expect(seenAt(track, 10.36, 5)!.marks).toBeNull();
  });
});

describe("the map over the face", () => {
  const from: Box = [0.2, 0.2, 0.2, 0.4];
  const quad = [0.2, 0.2, 0.4, 0.2, 0.4, 0.6, 0.2, 0.6];

  it("moves and grows with the box", () => {
    expect(moved(quad, from, from)).toEqual(quad.map((value) => expect.closeTo(value)));
    expect(moved(quad, from, [0.5, 0.1, 0.4, 0.4])).toEqual([0.5, 0.1, 0.9, 0.1, 0.9, 0.5, 0.5, 0.5].map((value) => expect.closeTo(value)));
  });

  it("finds points within corners that are turned", () => {
    const turned = [1, 0, 1, 1, 0, 1, 0, 0]; // a quarter turn
    expect(inside(turned, 0, 0)).toEqual([1, 0]);
    expect(inside(turned, 1, 0)).toEqual([1, 1]);
    expect(inside(turned, 0.5, 0.5)).toEqual([0.5, 0.5]);
  });

  it("is exact at the centres of cells", () => {
    const map = { method: "", target: "", time: 0, quad, grid: [2, 3] as [number, number], values: [1, 2, 3, 4, 5, 6] };
    expect(valueAt(map, 0.5, 0.25)).toBeCloseTo(2);
    expect(valueAt(map, 1 / 6, 0.75)).toBeCloseTo(4);
    expect(valueAt(map, 0.5, 0.5)).toBeCloseTo(3.5);
    expect(valueAt(map, 0, 0)).toBeCloseTo(1);
  });
});
