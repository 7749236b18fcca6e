/** Curves with fewer points than they have, without losing a peak. */

import { lastAtOrBefore } from "./time";
import type { Span } from "./zoom";

/**
 * The points in view, at most four a pixel column: first, lowest, highest and last of each, in order of time.
 *
 * What is not a number stays as null, so that a gap is drawn as a gap. One point before and one after the view are kept: the line
 * goes to the edges.
 */
export function thinned(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  span: Span,
  width: number,
): { times: number[]; values: (number | null)[] } {
  const first = Math.max(0, lastAtOrBefore(times, span.from));
  const last = Math.min(times.length, lastAtOrBefore(times, span.to) + 2);
  const outTimes: number[] = [];
  const outValues: (number | null)[] = [];
  const keep = (index: number) => {
    outTimes.push(times[index]);
    outValues.push(Number.isFinite(values[index]) ? values[index] : null);
  };
  if (last - first <= 4 * width) {
    for (let index = first; index < last; index += 1) keep(index);
    return { times: outTimes, values: outValues };
  }
  const scale = width / (span.to - span.from);
  let index = first;
  while (index < last) {
    const column = Math.floor((times[index] - span.from) * scale);
    const begin = index;
    let low = -1;
    let high = -1;
    let gap = -1;
    while (index < last && Math.floor((times[index] - span.from) * scale) === column) {
      if (!Number.isFinite(values[index])) gap = gap < 0 ? index : gap;
      else {
        if (low < 0 || values[index] < values[low]) low = index;
        if (high < 0 || values[index] > values[high]) high = index;
      }
      index += 1;
    }
    const chosen = new Set([begin, low, high, gap, index - 1].filter((one) => one >= 0));
    for (const one of [...chosen].sort((a, b) => a - b)) keep(one);
  }
  return { times: outTimes, values: outValues };
}
