import { describe, expect, it } from "vitest";
import { moveBy, SHORTEST, showing, timeOf, within, xOf, zoomAt } from "../src/lib/zoom";

const whole = { from: 2, to: 62 };

describe("zoom", () => {
  it("keeps the time under the pointer where it is", () => {
    const span = { from: 10, to: 30 };
    const closer = zoomAt(span, 15, 4, whole);
    expect(closer.to - closer.from).toBeCloseTo(5);
    expect(xOf(15, closer, 800)).toBeCloseTo(xOf(15, span, 800));
  });

  it("never leaves the recording and ends at the whole", () => {
    expect(zoomAt({ from: 10, to: 30 }, 12, 0.001, whole)).toEqual(whole);
    const end = zoomAt({ from: 50, to: 62 }, 61, 0.5, whole);
    expect(end.to).toBe(62);
    expect(end.to - end.from).toBeCloseTo(24);
  });

  it("stops at the shortest stretch", () => {
    const tiny = zoomAt({ from: 10, to: 11 }, 10.5, 1e9, whole);
    expect(tiny.to - tiny.from).toBeCloseTo(SHORTEST);
  });

  it("undoes itself away from the edges", () => {
    const span = { from: 20, to: 40 };
    const back = zoomAt(zoomAt(span, 33, 3, whole), 33, 1 / 3, whole);
    expect(back.from).toBeCloseTo(20);
    expect(back.to).toBeCloseTo(40);
  });

  it("is dragged as far as the recording goes", () => {
    expect(moveBy({ from: 10, to: 20 }, 100, whole)).toEqual({ from: 52, to: 62 });
    expect(moveBy({ from: 10, to: 20 }, -100, whole)).toEqual({ from: 2, to: 12 });
  });

  it("follows the play head only when it leaves the view", () => {
    const span = { from: 10, to: 20 };
    expect(showing(span, 15, whole)).toBe(span);
    expect(showing(span, 20.5, whole)).toEqual({ from: 19.5, to: 29.5 });
    expect(showing(span, 5, whole)).toEqual({ from: 3, to: 13 });
  });

  it("maps pixels to times and back", () => {
    const span = { from: 3, to: 7 };
    for (const x of [0, 1, 250.5, 800]) expect(xOf(timeOf(x, span, 800), span, 800)).toBeCloseTo(x);
    expect(timeOf(0, span, 800)).toBe(3);
    expect(timeOf(800, span, 800)).toBe(7);
  });

  it("shows a recording without length", () => {
    expect(within({ from: 0, to: 0 }, { from: 0, to: 0 })).toEqual({ from: 0, to: SHORTEST });
  });
});
