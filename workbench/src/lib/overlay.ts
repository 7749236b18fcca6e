/** Where faces are on the frame that is shown: boxes and landmarks between two samples, and the relevance map moved with the face. */

import { lastAtOrBefore } from "./time";
import type { FaceMap, FramesPart } from "./types";

export interface Track {
  person: number;
  time: Float64Array;
  /** Left, top, width, height of each sample, fractions of the frame. */
  box: Float32Array;
  marks: (number[] | null)[];
}

export type Box = [number, number, number, number];

/** Tracks of a part of the recording. */
export function tracksOf(part: FramesPart): Track[] {
  return part.people.map((one) => ({
    person: one.person,
    time: Float64Array.from(one.time),
    box: Float32Array.from(one.box.flat()),
    marks: one.marks ?? [],
  }));
}

const boxAt = (track: Track, index: number): Box => [...track.box.subarray(4 * index, 4 * index + 4)] as unknown as Box;

/**
 * The box and the landmarks of a person at a time; null where the person was not seen.
 *
 * Between two samples that are not more than 1.5 sampling steps apart they are interpolated. Before the first and after the last
 * of such a stretch the nearest sample holds for half a step: what was not looked at is not shown.
 */
export function seenAt(track: Track, time: number, rate: number): { box: Box; marks: number[] | null } | null {
  const step = 1 / rate;
  const before = lastAtOrBefore(track.time, time);
  const after = before + 1;
  const has = (index: number) => index >= 0 && index < track.time.length;
  if (has(before) && has(after) && track.time[after] - track.time[before] <= 1.5 * step) {
    const share = (time - track.time[before]) / Math.max(track.time[after] - track.time[before], 1e-9);
    const old = boxAt(track, before);
    const next = boxAt(track, after);
    const oldMarks = track.marks[before];
    const nextMarks = track.marks[after];
    const marks =
      oldMarks && nextMarks && oldMarks.length === nextMarks.length
        ? oldMarks.map((value, index) => value + share * (nextMarks[index] - value))
        : ((share < 0.5 ? oldMarks : nextMarks) ?? null);
    return { box: old.map((value, index) => value + share * (next[index] - value)) as Box, marks };
  }
  const nearest = [before, after].filter(has).sort((a, b) => Math.abs(track.time[a] - time) - Math.abs(track.time[b] - time))[0];
  if (nearest === undefined || Math.abs(track.time[nearest] - time) > step / 2) return null;
  return { box: boxAt(track, nearest), marks: track.marks[nearest] ?? null };
}

/** The corners of a map moved and scaled as the face's box moved since the frame that the map was made of. */
export function moved(quad: readonly number[], from: Box, to: Box): number[] {
  const across = to[2] / Math.max(from[2], 1e-6);
  const down = to[3] / Math.max(from[3], 1e-6);
  return quad.map((value, index) =>
    index % 2 === 0 ? to[0] + (value - from[0]) * across : to[1] + (value - from[1]) * down,
  );
}

/** A point within the corners (left top, right top, right bottom, left bottom), by shares across and down. */
export function inside(quad: readonly number[], across: number, down: number): [number, number] {
  const mix = (a: number, b: number, share: number) => a + (b - a) * share;
  return [
    mix(mix(quad[0], quad[2], across), mix(quad[6], quad[4], across), down),
    mix(mix(quad[1], quad[3], across), mix(quad[7], quad[5], across), down),
  ];
}

/** The value of a map between the centres of its cells (bilinear), by shares across and down. */
export function valueAt(map: FaceMap, across: number, down: number): number {
  const [rows, columns] = map.grid;
  const clamp = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  const x = clamp(across * columns - 0.5, columns - 1);
  const y = clamp(down * rows - 0.5, rows - 1);
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(left + 1, columns - 1);
  const bottom = Math.min(top + 1, rows - 1);
  const at = (row: number, column: number) => map.values[row * columns + column] ?? 0;
  const upper = at(top, left) * (1 - (x - left)) + at(top, right) * (x - left);
  const lower = at(bottom, left) * (1 - (x - left)) + at(bottom, right) * (x - left);
  return upper * (1 - (y - top)) + lower * (y - top);
}
