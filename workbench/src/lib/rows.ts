/** Which lanes the time line shows, one under the other, with their heights. */

import type { Lane } from "./lanes";
import type { Edits, RawLanes, Run } from "./types";

export type RowKind = "head" | "band" | "curves" | "feeling" | "quality" | "words" | "speakers" | "place" | "conflicts" | "unread" | "human" | "curve" | "marks";

export interface Row {
  key: string;
  kind: RowKind;
  title: string;
  person: number | null;
  height: number;
  top: number;
  lane?: Lane;
  /** Who labelled, or which column is drawn. */
  name?: string;
  /** Chosen and read by keys and clicks. */
  segments: boolean;
}

/** Groups of lanes that can be shown or hidden. */
export const GROUPS: [string, string][] = [
  ["words", "words and speaker"],
  ["place", "place and things"],
  ["conflicts", "conflicts"],
  ["curves", "probabilities"],
  ["modalities", "each modality"],
  ["feeling", "valence and arousal"],
  ["quality", "quality"],
  ["unread", "not judged"],
  ["human", "labels by people"],
];

const ORDER = ["fused", "face", "voice", "words", "posture", "gait", "background", "scene"];
const place = (modality: string) => (ORDER.includes(modality) ? ORDER.indexOf(modality) : ORDER.length);

export function rowsOf(
  run: Run,
  raw: RawLanes,
  lanes: readonly Lane[],
  edits: Edits | null,
  hidden: ReadonlySet<string>,
  folded: ReadonlySet<number>,
  curves: readonly string[],
): Row[] {
  const rows: Row[] = [];
  let top = 0;
  const add = (kind: RowKind, key: string, title: string, height: number, person: number | null = null, more: Partial<Row> = {}) => {
    rows.push({ key, kind, title, height, top, person, segments: false, ...more });
    top += height;
  };
  const shows = (group: string) => !hidden.has(group);
  if (edits && (edits.markers.length || edits.notes.length)) add("marks", "marks", "Markers, notes", 20);
  if (shows("words") && raw.words.length) add("words", "words", "Words", 36);
  if (shows("words") && raw.speakers.length) add("speakers", "speakers", "Speaker", 14);
  if (shows("place") && (raw.place || raw.things.length)) add("place", "place", "Place, things", 18);
  if (shows("conflicts") && raw.conflicts.length) add("conflicts", "conflicts", "Conflicts", 16);
  for (const person of run.people) {
    const own = lanes.filter((lane) => lane.person === person.id).sort((a, b) => place(a.modality) - place(b.modality));
    const fused = own.find((lane) => lane.modality === "fused");
    if (!own.some((lane) => lane.code.some((code) => code >= 0)) && person.id < 0) continue;
    add("head", `head:${person.id}`, "", 26, person.id);
    if (fused) add("band", `${person.id}:fused`, "expressed", 24, person.id, { lane: fused, segments: true });
    if (folded.has(person.id)) continue;
    if (fused && shows("curves")) add("curves", `${person.id}:curves`, "probabilities", 54, person.id, { lane: fused });
    if (shows("modalities"))
      for (const lane of own) if (lane.modality !== "fused") add("band", `${person.id}:${lane.modality}`, lane.modality, 17, person.id, { lane, segments: true });
    const human = edits ? [...new Set(edits.labels.filter((one) => one.person === person.id).map((one) => one.rater))].sort() : [];
    if (shows("human")) for (const rater of human) add("human", `${person.id}:rater:${rater}`, `by ${rater}`, 17, person.id, { name: rater });
    const felt = own.find((lane) => lane.valence.some(Number.isFinite));
    if (felt && shows("feeling")) add("feeling", `${person.id}:feeling`, "valence, arousal", 40, person.id, { lane: felt });
    const measured = own.find((lane) => lane.modality === "face" && lane.quality.some(Number.isFinite)) ?? own.find((lane) => lane.quality.some(Number.isFinite));
    if (measured && shows("quality")) add("quality", `${person.id}:quality`, "quality", 22, person.id, { lane: measured });
    if (shows("unread") && raw.abstained.some((one) => one.person === person.id)) add("unread", `${person.id}:unread`, "not judged", 12, person.id);
  }
  for (const column of curves) add("curve", `curve:${column}`, column.slice(column.indexOf("/") + 1), 60, null, { name: column });
  return rows;
}
