/** The stretch of time that the time line shows: zoomed, dragged and fitted, never outside the recording. */

export interface Span {
  from: number;
  to: number;
}

/** The shortest stretch that is shown, in seconds. */
export const SHORTEST = 0.2;

/** The stretch moved and cut so that it lies within the whole. */
export function within(span: Span, whole: Span): Span {
  const length = Math.min(Math.max(span.to - span.from, SHORTEST), Math.max(whole.to - whole.from, SHORTEST));
  const latest = Math.max(whole.from, whole.to - length);
  const from = Math.min(Math.max(span.from, whole.from), latest);
  return { from, to: from + length };
}

/** Zoom about a time, which keeps its place: a factor above 1 shows less time in more detail. */
export function zoomAt(span: Span, time: number, factor: number, whole: Span): Span {
  const longest = Math.max(whole.to - whole.from, SHORTEST);
  const length = Math.min(Math.max((span.to - span.from) / factor, SHORTEST), longest);
  const share = (time - span.from) / (span.to - span.from);
  const from = time - share * length;
  return within({ from, to: from + length }, whole);
}

/** Move by seconds. */
export function moveBy(span: Span, seconds: number, whole: Span): Span {
  return within({ from: span.from + seconds, to: span.to + seconds }, whole);
}

/** The least move that brings a time into view with some room around it; the same stretch where it is in view. */
export function showing(span: Span, time: number, whole: Span): Span {
  if (time >= span.from && time <= span.to) return span;
  const length = span.to - span.from;
  const from = time < span.from ? time - 0.2 * length : time - 0.1 * length;
  return within({ from, to: from + length }, whole);
}

/** Pixels from the left edge. */
export function xOf(time: number, span: Span, width: number): number {
  return ((time - span.from) / (span.to - span.from)) * width;
}

/** The time at a pixel. */
export function timeOf(x: number, span: Span, width: number): number {
  return span.from + (x / Math.max(width, 1)) * (span.to - span.from);
}

/** The whole recording. */
export function fit(whole: Span): Span {
  return within(whole, whole);
}
