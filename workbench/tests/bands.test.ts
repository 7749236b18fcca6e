import { describe, expect, it } from "vitest";
import { bands } from "../src/lib/bands";
import { thinned } from "../src/lib/downsample";

describe("bands of segments", () => {
  it("keeps the edges of what is wide enough", () => {
    const drawn = bands([0, 1, 2], [1, 2, 3], [5, 5, 6], { from: 0, to: 4 }, 400);
    expect(drawn).toEqual([
      { left: 0, right: 100, code: 5 },
      { left: 100, right: 200, code: 5 },
      { left: 200, right: 300, code: 6 },
    ]);
  });

  it("gives a pixel to what covers most of it, and joins equal neighbours", () => {
    const count = 36_000;
    const starts = Float64Array.from({ length: count }, (_, index) => index / 10);
    const ends = starts.map((start) => start + 0.1);
    // Nine of ten are 1: every pixel of 100 must be 1.
    const codes = Int16Array.from({ length: count }, (_, index) => (index % 10 === 0 ? 2 : 1));
    expect(bands(starts, ends, codes, { from: 0, to: 3600 }, 100)).toEqual([{ left: 0, right: 100, code: 1 }]);
  });

  it("leaves gaps empty and cuts at the edges of the view", () => {
    const drawn = bands([0, 10], [2, 12], [1, 1], { from: 1, to: 11 }, 100);
    expect(drawn).toEqual([
      { left: 0, right: 10, code: 1 },
      { left: 90, right: 100, code: 1 },
    ]);
    expect(bands([0], [1], [1], { from: 5, to: 6 }, 100)).toEqual([]);
  });
});

describe("curves with fewer points", () => {
  const count = 100_000;
  const times = Float64Array.from({ length: count }, (_, index) => index);
  const values = Float32Array.from({ length: count }, (_, index) => Math.sin(index / 500));

  it("loses no peak and no gap", () => {
    values[54_321] = 9;
    values[12_345] = -7;
    values[70_000] = NaN;
    const kept = thinned(times, values, { from: 0, to: count }, 500);
    expect(kept.times.length).toBeLessThanOrEqual(5 * 501);
    const numbers = kept.values.filter((value) => value !== null);
    expect(Math.max(...numbers)).toBe(9);
    expect(Math.min(...numbers)).toBe(-7);
    expect(kept.values.includes(null)).toBe(true);
    expect([...kept.times].sort((a, b) => a - b)).toEqual(kept.times);
  });

  it("gives every point where there are few, with one beyond each edge", () => {
    const kept = thinned(times, values, { from: 99.5, to: 110.5 }, 500);
    expect(kept.times[0]).toBe(99);
    expect(kept.times.at(-1)).toBe(111);
    expect(kept.times.length).toBe(13);
  });
});
