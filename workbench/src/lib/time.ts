/** Times of a recording in seconds: found, written and set to marks on an axis. */

/** The index of the last start that is not after `time`; -1 where all are later. `starts` must ascend. */
export function lastAtOrBefore(starts: ArrayLike<number>, time: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The segments that touch [from, to]: first index and the one after the last. Both arrays must ascend. */
export function touching(starts: ArrayLike<number>, ends: ArrayLike<number>, from: number, to: number): [number, number] {
  let first = lastAtOrBefore(ends, from) + 1;
  // A segment that ends exactly where the view begins shows nothing; one without length does.
  while (first > 0 && ends[first - 1] === from && starts[first - 1] === from) first -= 1;
  return [first, Math.max(first, lastAtOrBefore(starts, to) + 1)];
}

/** Seconds as a person reads them: `4.2 s`, `1:04.2`, `1:00:04.2`. */
export function clock(seconds: number, decimals = 1): string {
  if (!Number.isFinite(seconds)) return "–";
  const sign = seconds < 0 ? "−" : "";
  const unit = 10 ** decimals;
  const rounded = Math.round(Math.abs(seconds) * unit) / unit;
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor((rounded % 3600) / 60);
  const rest = (rounded % 60).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return hours ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${sign}${minutes}:${rest}`;
}

/** A length of time in words for lists: `9 s`, `3 min 20 s`, `1 h 2 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds) || seconds <= 0) return "–";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Where the marks of a time axis stand: round numbers, at least `apart` pixels from one another. */
export function marks(from: number, to: number, width: number, apart = 72): { times: number[]; decimals: number } {
  const span = Math.max(to - from, 1e-6);
  const wanted = (span * apart) / Math.max(width, 1);
  const step = STEPS.find((one) => one >= wanted) ?? Math.ceil(wanted / 7200) * 7200;
  const times: number[] = [];
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to + 1e-9; index += 1) times.push(index * step + 0);
  return { times, decimals: step < 0.1 ? 2 : step < 1 ? 1 : 0 };
}
