/** Drawing of the time line's lanes on one canvas: only what is in view. */

import { bands } from "./bands";
import { colourOf, inkOn, personColour } from "./colours";
import { thinned } from "./downsample";
import { FAILED, NOT_READ, NOTHING_THERE, OUT, type Lane } from "./lanes";
import type { Row } from "./rows";
import { lastAtOrBefore, touching } from "./time";
import type { Curve, Edits, RawLanes } from "./types";
import { xOf, type Span } from "./zoom";

export interface Paint {
  fg: string;
  dim: string;
  line: string;
  soft: string;
  card: string;
  link: string;
  bad: string;
  mark: string;
}

export interface Scene {
  rows: Row[];
  raw: RawLanes;
  edits: Edits | null;
  curves: Record<string, Curve>;
  span: Span;
  width: number;
  paint: Paint;
  personName: (person: number) => string;
}

type Context = CanvasRenderingContext2D;

/** Draw every lane. */
export function drawLanes(context: Context, scene: Scene, height: number): void {
  context.clearRect(0, 0, scene.width, height);
  context.textBaseline = "middle";
  for (const row of scene.rows) {
    context.save();
    context.translate(0, row.top);
    context.beginPath();
    context.rect(0, 0, scene.width, row.height);
    context.clip();
    drawRow(context, row, scene);
    context.restore();
  }
  drawExcluded(context, scene);
}

function drawRow(context: Context, row: Row, scene: Scene): void {
  const { paint, width, raw, edits } = scene;
  if (row.kind === "head") return;
  context.fillStyle = paint.line;
  context.fillRect(0, row.height - 1, width, 1);
  if (row.kind === "band" && row.lane) drawBand(context, row, row.lane, scene);
  else if (row.kind === "curves" && row.lane) drawProbabilities(context, row, row.lane, scene);
  else if (row.kind === "feeling" && row.lane) {
    level(context, row, 0.5, paint);
    line(context, row, row.lane, row.lane.valence, scene, "#E69F00", -1, 1);
    line(context, row, row.lane, row.lane.arousal, scene, "#0072B2", -1, 1, [4, 3]);
  } else if (row.kind === "quality" && row.lane) line(context, row, row.lane, row.lane.quality, scene, paint.dim, 0, 1);
  else if (row.kind === "words") drawWords(context, row, scene);
  else if (row.kind === "speakers") pieces(context, row, scene, raw.speakers, (one) => personColour(one.person), (one) => scene.personName(one.person));
  else if (row.kind === "place") drawPlace(context, row, scene);
  else if (row.kind === "conflicts") pieces(context, row, scene, raw.conflicts, () => paint.bad, () => "");
  else if (row.kind === "unread") {
    const own = raw.abstained.filter((one) => one.person === row.person);
    pieces(context, row, scene, own, () => paint.dim, () => "");
  } else if (row.kind === "human" && edits) {
    const own = edits.labels.filter((one) => one.person === row.person && one.rater === row.name);
    pieces(context, row, scene, own, (one) => (one.label ? colourOf(one.label) : paint.soft), (one) => one.label ?? "cannot tell");
  } else if (row.kind === "marks" && edits) drawMarks(context, row, scene, edits);
  else if (row.kind === "curve" && row.name) drawCurve(context, row, scene, scene.curves[row.name]);
}

let pattern: CanvasPattern | null = null;
let patternColour = "";

function hatch(context: Context, colour: string): CanvasPattern | string {
  if (pattern && patternColour === colour) return pattern;
  const tile = document.createElement("canvas");
  tile.width = 6;
  tile.height = 6;
  const on = tile.getContext("2d");
  if (!on) return colour;
  on.strokeStyle = colour;
  on.lineWidth = 1;
  on.beginPath();
  on.moveTo(0, 6);
  on.lineTo(6, 0);
  on.stroke();
  pattern = context.createPattern(tile, "repeat");
  patternColour = colour;
  return pattern ?? colour;
}

function drawBand(context: Context, row: Row, lane: Lane, scene: Scene): void {
  const { span, width, paint } = scene;
  const tall = row.height - 3;
  const strong = lane.modality === "fused";
  context.font = `${strong ? 12 : 10.5}px system-ui, "Liberation Sans", sans-serif`;
  for (const band of bands(lane.start, lane.end, lane.code, span, width)) {
    const wide = Math.max(band.right - band.left - (band.right - band.left > 4 ? 1 : 0), 0.7);
    if (band.code >= 0) {
      const label = lane.labels[band.code];
      const colour = colourOf(label);
      context.globalAlpha = strong ? 1 : 0.86;
      context.fillStyle = colour;
      context.fillRect(band.left, 1, wide, tall);
      context.globalAlpha = 1;
      if (wide > 34 && context.measureText(label).width + 8 < wide) {
        context.fillStyle = inkOn(colour);
        context.fillText(label, band.left + 5, 1 + tall / 2);
      }
    } else if (band.code === NOT_READ || band.code === FAILED || band.code === OUT) {
      context.fillStyle = hatch(context, band.code === FAILED ? paint.bad : paint.dim);
      context.fillRect(band.left, 1, wide, tall);
    } else if (band.code === NOTHING_THERE) {
      context.fillStyle = paint.line;
      context.fillRect(band.left, tall / 2, wide, 2);
    }
  }
  const [first, last] = touching(lane.start, lane.end, span.from, span.to);
  const perSegment = width / Math.max(last - first, 1);
  if (strong && perSegment > 3) {
    for (let index = first; index < last; index += 1) {
      if (!lane.raw.conflict[index]) continue;
      const x = xOf(lane.middle[index], span, width);
      context.fillStyle = paint.bad;
      context.beginPath();
      context.moveTo(x - 4, 0);
      context.lineTo(x + 4, 0);
      context.lineTo(x, 6);
      context.fill();
    }
  }
}

function level(context: Context, row: Row, share: number, paint: Paint): void {
  context.fillStyle = paint.line;
  context.fillRect(0, Math.round(row.height * share), 5000, 1);
}

function drawProbabilities(context: Context, row: Row, lane: Lane, scene: Scene): void {
  level(context, row, 0.5, scene.paint);
  lane.labels.forEach((label, index) => line(context, row, lane, lane.probabilities[index], scene, colourOf(label), 0, 1));
}

/** A curve over the middles of segments; it breaks where a segment has no value and where there is a gap between two. */
function line(context: Context, row: Row, lane: Lane, values: Float32Array, scene: Scene, colour: string, low: number, high: number, dash: number[] = []): void {
  const { span, width } = scene;
  const points = thinned(lane.middle, values, span, width);
  const y = (value: number) => 2 + (row.height - 5) * (1 - (value - low) / (high - low));
  const longest = lane.start.length ? 1.6 * (lane.end[0] - lane.start[0] || 1) : 1;
  const sparse = points.times.length <= width;
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.setLineDash(dash);
  context.beginPath();
  let pen = false;
  let before = 0;
  points.times.forEach((time, index) => {
    const value = points.values[index];
    if (value === null) {
      pen = false;
      return;
    }
    if (pen && sparse && time - before > Math.max(longest, 4)) pen = false;
    const x = xOf(time, span, width);
    if (pen) context.lineTo(x, y(value));
    else {
      context.moveTo(x, y(value));
      context.lineTo(x + 0.5, y(value));
    }
    pen = true;
    before = time;
  });
  context.stroke();
  context.setLineDash([]);
}

function pieces<T extends { start: number; end: number }>(
  context: Context,
  row: Row,
  scene: Scene,
  all: readonly T[],
  colour: (one: T) => string,
  text: (one: T) => string,
): void {
  const { span, width } = scene;
  const tall = row.height - 4;
  context.font = '10.5px system-ui, "Liberation Sans", sans-serif';
  let drawnTo = -1;
  for (const one of all) {
    if (one.end < span.from || one.start > span.to) continue;
    const left = Math.max(0, xOf(one.start, span, width));
    const right = Math.min(width, xOf(one.end, span, width));
    if (right < drawnTo) continue;
    const wide = Math.max(right - left - 1, 1.5);
    drawnTo = left + (right - left < 1 ? 1 : 0);
    const fill = colour(one);
    context.fillStyle = fill;
    context.fillRect(left, 2, wide, tall);
    const words = text(one);
    if (words && wide > 30 && tall >= 10 && context.measureText(words).width + 8 < wide) {
      context.fillStyle = fill.startsWith("#") && fill.length === 7 ? inkOn(fill) : scene.paint.fg;
      context.fillText(words, left + 4, 2 + tall / 2);
    }
  }
}

const lengths = new Map<string, number>();

function drawWords(context: Context, row: Row, scene: Scene): void {
  const { raw, span, width, paint } = scene;
  context.font = '12px system-ui, "Liberation Sans", sans-serif';
  const first = Math.max(0, lastAtOrBefore(wordStarts(raw), span.from) - 1);
  // Two lines of words: one that has no room behind the word before it goes into the other, or is shown by its line alone.
  const free = [-4, -4];
  for (let index = first; index < raw.words.length; index += 1) {
    const word = raw.words[index];
    if (word.start > span.to) break;
    const left = xOf(word.start, span, width);
    const right = xOf(word.end, span, width);
    if (right < 0) continue;
    context.fillStyle = personColour(word.person);
    context.fillRect(left, row.height - 4, Math.max(right - left - 0.5, 0.8), 2);
    const text = word.text.trim();
    let long = lengths.get(text);
    if (long === undefined) {
      long = context.measureText(text).width;
      lengths.set(text, long);
    }
    const level = left >= free[0] ? 0 : left >= free[1] ? 1 : -1;
    if (level < 0 || left + long > width + 6) continue;
    context.fillStyle = paint.fg;
    context.fillText(text, left, 8 + 15 * level);
    free[level] = left + long + 3;
  }
}

let startsOf: RawLanes | null = null;
let starts: Float64Array = new Float64Array();

/** When each word begins, kept for the recording that is open. */
export function wordStarts(raw: RawLanes): Float64Array {
  if (startsOf !== raw) {
    startsOf = raw;
    starts = Float64Array.from(raw.words, (word) => word.start);
  }
  return starts;
}

function drawPlace(context: Context, row: Row, scene: Scene): void {
  const { raw, paint, width } = scene;
  context.fillStyle = paint.soft;
  context.fillRect(0, 1, width, row.height - 4);
  context.font = '11.5px system-ui, "Liberation Sans", sans-serif';
  context.fillStyle = paint.fg;
  const place = raw.place?.kind ? raw.place.kind.replaceAll("_", " ") : "";
  const things = raw.things.map((thing) => thing.name).join(", ");
  context.fillText([place, things].filter(Boolean).join(": "), 6, (row.height - 2) / 2, width - 12);
}

function drawMarks(context: Context, row: Row, scene: Scene, edits: Edits): void {
  const { span, width, paint } = scene;
  context.font = '11px system-ui, "Liberation Sans", sans-serif';
  const all = [
    ...edits.markers.map((one) => ({ start: one.time, end: one.end, text: one.text, flag: true })),
    ...edits.notes.map((one) => ({ start: one.start, end: one.end, text: one.text, flag: false })),
  ].sort((a, b) => a.start - b.start);
  let free = -99;
  for (const one of all) {
    const left = xOf(one.start, span, width);
    const right = one.end === null ? left : xOf(one.end, span, width);
    if (right < 0 || left > width) continue;
    context.fillStyle = paint.mark;
    if (right - left > 1) context.fillRect(left, 2, right - left, row.height - 5);
    context.fillStyle = paint.link;
    if (one.flag) {
      context.beginPath();
      context.moveTo(left, 2);
      context.lineTo(left + 8, 6);
      context.lineTo(left, 10);
      context.fill();
    }
    context.fillRect(left, 2, 1.5, row.height - 5);
    if (left > free) {
      context.fillStyle = paint.fg;
      context.fillText(one.text, left + (one.flag ? 11 : 5), row.height / 2);
      free = left + 15 + context.measureText(one.text).width;
    }
  }
}

function drawCurve(context: Context, row: Row, scene: Scene, curve: Curve | undefined): void {
  const { span, width, paint } = scene;
  context.font = '11px system-ui, "Liberation Sans", sans-serif';
  context.fillStyle = paint.dim;
  if (!curve) {
    context.fillText("reading …", 6, row.height / 2);
    return;
  }
  let low = Infinity;
  let high = -Infinity;
  for (const one of curve.people)
    one.value.forEach((value, index) => {
      if (value === null) return;
      low = Math.min(low, one.low[index] ?? value);
      high = Math.max(high, one.high[index] ?? value);
    });
  if (low > high) {
    context.fillText("nothing was measured here", 6, row.height / 2);
    return;
  }
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const y = (value: number) => 3 + (row.height - 8) * (1 - (value - low) / (high - low));
  for (const one of curve.people) {
    const colour = personColour(one.person);
    context.fillStyle = colour;
    context.globalAlpha = 0.22;
    one.time.forEach((time, index) => {
      const [below, above] = [one.low[index], one.high[index]];
      if (below === null || above === null || above === below) return;
      context.fillRect(xOf(time, span, width) - 0.5, y(above), 1.5, y(below) - y(above));
    });
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    let pen = false;
    one.time.forEach((time, index) => {
      const value = one.value[index];
      if (value === null) {
        pen = false;
        return;
      }
      const x = xOf(time, span, width);
      if (pen) context.lineTo(x, y(value));
      else context.moveTo(x, y(value));
      pen = true;
    });
    context.stroke();
  }
  context.fillStyle = paint.dim;
  const short = (value: number) => (Math.abs(value) >= 100 || value === Math.round(value) ? value.toFixed(0) : value.toPrecision(3));
  context.textAlign = "right";
  context.fillText(`${short(high)} ${curve.unit}`, width - 4, 8);
  context.fillText(short(low), width - 4, row.height - 9);
  context.textAlign = "left";
}

function drawExcluded(context: Context, scene: Scene): void {
  const { edits, rows, span, width, paint } = scene;
  if (!edits) return;
  for (const one of edits.excluded) {
    const left = xOf(one.start, span, width);
    const right = xOf(one.end, span, width);
    if (right < 0 || left > width) continue;
    for (const row of rows) {
      if (row.kind === "head" || (one.person !== null && row.person !== one.person)) continue;
      context.globalAlpha = 0.55;
      context.fillStyle = paint.card;
      context.fillRect(left, row.top, right - left, row.height - 1);
      context.globalAlpha = 1;
      context.fillStyle = hatch(context, paint.dim);
      context.fillRect(left, row.top, right - left, row.height - 1);
    }
  }
}
