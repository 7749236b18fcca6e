/** Lanes as typed arrays: what is drawn at every step is found by time without touching the rest. */

import { lastAtOrBefore } from "./time";
import type { Maybe, RawLane, RawLanes } from "./types";

/** Codes of segments that have no label to show, beside the indices of labels. */
export const NOT_READ = -1;
export const NOTHING_THERE = -2;
export const FAILED = -3;
export const OUT = -4;

export const STATUS = ["ok", "abstained", "missing", "failed"] as const;

export interface Lane {
  person: number;
  modality: string;
  scheme: string;
  labels: string[];
  start: Float64Array;
  end: Float64Array;
  /** Index of the label, or one of the codes above. */
  code: Int16Array;
  confidence: Float32Array;
  probabilities: Float32Array[];
  valence: Float32Array;
  arousal: Float32Array;
  quality: Float32Array;
  middle: Float64Array;
  raw: RawLane;
}

const numbers = (values: Maybe[]): Float32Array => Float32Array.from(values, (value) => value ?? NaN);

/** A lane of the server, made ready for drawing. */
export function laneOf(raw: RawLane): Lane {
  const start = Float64Array.from(raw.start);
  const end = Float64Array.from(raw.end);
  const code = Int16Array.from(raw.start, (_, index) => {
    if (raw.excluded?.[index]) return OUT;
    if (raw.status[index]) return -raw.status[index];
    return raw.label[index] ?? NOT_READ;
  });
  return {
    person: raw.person,
    modality: raw.modality,
    scheme: raw.scheme,
    labels: raw.labels,
    start,
    end,
    code,
    confidence: numbers(raw.confidence),
    probabilities: raw.probabilities.map(numbers),
    valence: numbers(raw.valence),
    arousal: numbers(raw.arousal),
    quality: numbers(raw.quality),
    middle: start.map((value, index) => (value + end[index]) / 2),
    raw,
  };
}

export function lanesOf(raw: RawLanes): Lane[] {
  return raw.lanes.map(laneOf);
}

/** The segment of a lane at a time; -1 where there is none. */
export function segmentAt(lane: Lane, time: number): number {
  const index = lastAtOrBefore(lane.start, time);
  return index >= 0 && (time < lane.end[index] || lane.end[index] === lane.start[index]) ? index : -1;
}

/** A segment's name in addresses and in edits: person, modality, start. */
export function nameOf(lane: Lane, index: number): string {
  return `${lane.person}:${lane.modality}:${lane.start[index]}`;
}

/** A segment's name with its start as `nameOf` writes it: `0:fused:3.0` becomes `0:fused:3`. */
export function plainName(name: string): string {
  const at = name.lastIndexOf(":");
  const start = Number(name.slice(at + 1));
  return at > 0 && Number.isFinite(start) ? `${name.slice(0, at)}:${start}` : name;
}

/** The lane and segment of a name; null where the run has no such segment. */
export function found(lanes: readonly Lane[], name: string): { lane: Lane; index: number } | null {
  const match = /^(-?\d+):(.+):(-?[\d.eE+-]+)$/.exec(name);
  if (!match) return null;
  const lane = lanes.find((one) => one.person === Number(match[1]) && one.modality === match[2]);
  if (!lane) return null;
  const start = Number(match[3]);
  const near = lastAtOrBefore(lane.start, start + 5e-4);
  return near >= 0 && Math.abs(lane.start[near] - start) < 1e-3 ? { lane, index: near } : null;
}

/** What a segment says, in words. */
export function said(lane: Lane, index: number, reasons: readonly string[] = []): string {
  const code = lane.code[index];
  const reason = lane.raw.reason[index];
  const why = reason !== null && reason !== undefined && reasons[reason] ? `: ${reasons[reason]}` : "";
  if (code === OUT) return "taken out";
  if (code === NOT_READ) return `not judged${why}`;
  if (code === NOTHING_THERE) return `nothing to judge${why}`;
  if (code === FAILED) return `failed${why}`;
  return `${lane.labels[code]} ${percent(lane.confidence[index])}`;
}

export function percent(share: Maybe | undefined): string {
  return share === null || share === undefined || !Number.isFinite(share) ? "–" : `${Math.round(share * 100)} %`;
}

const GRADES: [number, string][] = [
  [0.85, "clearly"],
  [0.65, "probably"],
  [0.45, "perhaps"],
];

/** A word for a calibrated probability, with the steps of the reports (`modalities.telling.graded`). */
export function graded(probability: Maybe | undefined): string {
  if (probability === null || probability === undefined || !Number.isFinite(probability)) return "";
  return GRADES.find(([bound]) => probability >= bound)?.[1] ?? "only weakly";
}
