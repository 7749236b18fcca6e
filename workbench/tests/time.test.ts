import { describe, expect, it } from "vitest";
import { clock, duration, lastAtOrBefore, marks, touching } from "../src/lib/time";

describe("finding segments by time", () => {
  const starts = [0, 1, 2, 5];
  const ends = [1, 2, 3, 6];

  it("finds the last start that is not after a time, as a plain search does", () => {
    for (const time of [-1, 0, 0.5, 1, 1.99, 2, 4, 5, 99]) {
      let plain = -1;
      starts.forEach((start, index) => (plain = start <= time ? index : plain));
      expect(lastAtOrBefore(starts, time)).toBe(plain);
    }
    expect(lastAtOrBefore([], 1)).toBe(-1);
  });

  it("gives the segments that a view touches, and none in a gap", () => {
    expect(touching(starts, ends, 0.5, 2.5)).toEqual([0, 3]);
    expect(touching(starts, ends, 3.5, 4.5)).toEqual([3, 3]);
    expect(touching(starts, ends, 2, 2.5)).toEqual([2, 3]);
    expect(touching(starts, ends, -5, 99)).toEqual([0, 4]);
  });

  it("keeps a segment without length at the edge of the view", () => {
    expect(touching([4], [4], 4, 5)).toEqual([0, 1]);
  });
});

describe("times in words", () => {
  it("writes clocks", () => {
    expect(clock(4.24)).toBe("0:04.2");
    expect(clock(59.96)).toBe("1:00.0");
    expect(clock(3604.2)).toBe("1:00:04.2");
    expect(clock(65, 0)).toBe("1:05");
    expect(clock(NaN)).toBe("–");
    expect(clock(-2)).toBe("−0:02.0");
  });

  it("writes lengths of time", () => {
    expect(duration(9.04)).toBe("9.0 s");
    expect(duration(200)).toBe("3 min 20 s");
    expect(duration(3720)).toBe("1 h 2 min");
    expect(duration(null)).toBe("–");
  });

  it("sets marks at round times that stand apart", () => {
    const { times, decimals } = marks(0, 3600, 1000);
    expect(decimals).toBe(0);
    expect(times[0]).toBe(0);
    expect(times.every((time) => time % 300 === 0)).toBe(true);
    for (const [from, to, width] of [[3.2, 3.9, 800], [0, 9, 400], [100, 100.2, 300], [0, 90000, 500]]) {
      const found = marks(from, to, width).times;
      const gaps = found.slice(1).map((time, index) => ((time - found[index]) / (to - from)) * width);
      expect(Math.min(...gaps, Infinity)).toBeGreaterThanOrEqual(71.9);
    }
  });
});
