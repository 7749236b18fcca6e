/** Segments to rectangles: what is narrower than a pixel is drawn as what covers most of that pixel. */

import { touching } from "./time";
import type { Span } from "./zoom";

export interface Band {
  left: number;
  right: number;
  /** What to draw: an index into the lane's labels; -1 and below for what is not a label. */
  code: number;
}

/**
 * Rectangles for the segments in view.
 *
 * A segment of at least one pixel keeps its own edges. Of narrower ones, each pixel column is given to the code that covers most
 * of it, and equal neighbours are joined, so that an hour costs no more than the width of the screen.
 */
export function bands(
  starts: ArrayLike<number>,
  ends: ArrayLike<number>,
  codes: ArrayLike<number>,
  span: Span,
  width: number,
): Band[] {
  const [first, last] = touching(starts, ends, span.from, span.to);
  const scale = width / (span.to - span.from);
  const out: Band[] = [];
  const push = (left: number, right: number, code: number) => {
    const previous = out[out.length - 1];
    if (previous && previous.code === code && left - previous.right < 0.01 && right - left < 1.5) previous.right = right;
    else out.push({ left, right, code });
  };
  let column = -1;
  let shares = new Map<number, number>();
  const flush = () => {
    if (column < 0) return;
    let best = 0;
    let most = 0;
    for (const [code, share] of shares) if (share > most) [best, most] = [code, share];
    if (most > 0) push(column, column + 1, best);
    column = -1;
    shares = new Map();
  };
  for (let index = first; index < last; index += 1) {
    const left = Math.max(0, (starts[index] - span.from) * scale);
    const right = Math.min(width, (ends[index] - span.from) * scale);
    if (right - left >= 1) {
      flush();
      push(left, right, codes[index]);
      continue;
    }
    const place = Math.min(Math.floor((left + right) / 2), Math.max(0, Math.ceil(width) - 1));
    if (place !== column) {
      flush();
      column = place;
    }
    shares.set(codes[index], (shares.get(codes[index]) ?? 0) + Math.max(right - left, 1e-6));
  }
  flush();
  return out;
}
