/** One recording that is open: what the server knows of it, where the viewer is, and what is chosen. */

import { listed, listOf, numberOf, short, write } from "./address";
import { here } from "./address.svelte";
import { ApiError, get, saved, send } from "./api";
import { bench } from "./app.svelte";
import { found, lanesOf, nameOf, plainName, segmentAt, type Lane } from "./lanes";
import { tracksOf, type Track } from "./overlay";
import { lastAtOrBefore } from "./time";
import { fit, showing, within, type Span } from "./zoom";
import type { Clause, Edits, Evidence, FramesPart, Moment, Narrative, RawLanes, Run } from "./types";

const PART = 60; // seconds of boxes and landmarks in one request

export class Opened {
  readonly id: string;
  run: Run | null = $state.raw(null);
  raw: RawLanes | null = $state.raw(null);
  lanes: Lane[] = $state.raw([]);
  narrative: Narrative | null = $state.raw(null);
  moments: Moment[] = $state.raw([]);
  edits: Edits | null = $state.raw(null);
  failure = $state("");

  time = $state(0);
  playing = $state(false);
  span: Span = $state.raw({ from: 0, to: 1 });
  person = $state(0);
  /** The chosen segment: `person:modality:start`. */
  segment = $state("");
  evidence: Evidence | null = $state.raw(null);
  evidenceFailure = $state("");
  /** The piece of evidence that a clause led to. */
  marked = $state("");
  hide = $state(false);
  follow = $state(true);
  map = $state(true);
  landmarks = $state(true);
  /** Curves that were added, as `table/column`. */
  curves: string[] = $state.raw([]);
  /** A stretch of time that was drawn out on the time line, for exclusions and notes. */
  range: Span | null = $state.raw(null);
  /** A rectangle of the picture that a rerun covers, fractions of the frame; drawn on the video while `covering`. */
  cover: { left: number; top: number; width: number; height: number } | null = $state.raw(null);
  panel = $state("why");

  /** Grows when boxes and landmarks of a part have come. */
  parts = $state(0);
  lines: number[][] = [];
  rate = 5;

  video: HTMLMediaElement | null = null;
  private tracks = new Map<number, Track[] | "asked">();
  private known = new Map<string, Evidence>();
  private noting = 0;
  private asking = 0;

  constructor(id: string) {
    this.id = saved ? saved.run.id : id;
  }

  get base(): string {
    return `/api/runs/${encodeURIComponent(this.id)}`;
  }

  get offset(): number {
    return this.run?.media.start_time ?? 0;
  }

  /** The time that can be shown: the recording, or as far as its segments go. */
  get whole(): Span {
    const last = Math.max(0, ...this.lanes.map((lane) => (lane.end.length ? lane.end[lane.end.length - 1] : 0)));
    return { from: Math.min(0, this.offset), to: Math.max(this.run?.duration ?? 0, last, 0.2) };
  }

  async open(): Promise<void> {
    try {
      if (saved) {
        this.take(saved.run, saved.lanes);
        this.narrative = saved.narrative;
        this.moments = saved.moments?.moments ?? [];
        if (saved.frames) this.takeFrames(saved.frames);
        for (const [name, evidence] of Object.entries(saved.evidence ?? {})) this.known.set(plainName(name), evidence);
      } else {
        const [run, lanes] = await Promise.all([get<Run>(this.base), get<RawLanes>(`${this.base}/lanes`)]);
        this.take(run, lanes);
        void this.readStory();
      }
      this.span = fit(this.whole);
      this.apply();
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }

  private take(run: Run, lanes: RawLanes): void {
    this.run = run;
    this.edits = run.edits;
    this.raw = lanes;
    this.lanes = lanesOf(lanes);
    if (!run.people.some((person) => person.id === this.person)) this.person = run.people[0]?.id ?? -1;
  }

  private async readStory(): Promise<void> {
    const [narrative, moments] = await Promise.all([
      bench.attempt(() => get<Narrative>(`${this.base}/narrative`)),
      bench.attempt(() => get<{ moments: Moment[] }>(`${this.base}/moments`)),
    ]);
    this.narrative = narrative ?? { sentences: [] };
    this.moments = moments?.moments ?? [];
  }

  /** Read again what edits change; where the viewer is stays. */
  async refresh(): Promise<void> {
    const both = await bench.attempt(() => Promise.all([get<Run>(this.base), get<RawLanes>(`${this.base}/lanes`)]));
    if (!both) return;
    this.known.clear();
    this.take(both[0], both[1]);
    if (this.segment && !found(this.lanes, this.segment)) this.choose("");
    else if (this.segment) this.choose(this.segment, true);
    void this.readStory();
  }

  /** Go where the address says. */
  apply(): void {
    const state = here.now.state;
    this.hide = state.hide === "1";
    this.follow = state.follow !== "0";
    this.map = state.map !== "0";
    this.landmarks = state.marks !== "0";
    this.curves = listOf(state, "curves");
    this.panel = state.panel || "why";
    this.marked = state.e ?? "";
    const whole = this.whole;
    this.span = within({ from: numberOf(state, "from", whole.from), to: numberOf(state, "to", whole.to) }, whole);
    const chosen = state.s ? found(this.lanes, state.s) : null;
    this.seek(numberOf(state, "t", whole.from), true);
    if (chosen) this.choose(state.s, true);
    else if (!state.t) this.chooseFirst();
    else this.followTime(this.time);
  }

  /** Something worth looking at is chosen when a recording is opened: the first segment with an answer. */
  private chooseFirst(): void {
    const lane = this.lanes.find((one) => one.modality === "fused" && one.person === this.person && one.code.some((code) => code >= 0));
    const other = lane ?? this.lanes.find((one) => one.modality === "fused" && one.code.some((code) => code >= 0));
    if (!other) return;
    this.person = other.person;
    this.choose(nameOf(other, other.code.findIndex((code) => code >= 0)));
  }

  /** Write into the address where the viewer is; a little later, as browsers limit how often that may be done. */
  note(): void {
    clearTimeout(this.noting);
    this.noting = window.setTimeout(() => {
      if (here.now.view !== "run" && !saved) return;
      here.put(this.state());
    }, 350);
  }

  stop(): void {
    clearTimeout(this.noting);
    clearTimeout(this.asking);
  }

  private state(): Record<string, string> {
    const whole = this.whole;
    const all = this.span.from <= whole.from + 1e-6 && this.span.to >= whole.to - 1e-6;
    return {
      t: this.time ? short(this.time) : "",
      from: all ? "" : short(this.span.from),
      to: all ? "" : short(this.span.to),
      s: this.segment,
      e: this.marked,
      hide: this.hide ? "1" : "",
      follow: this.follow ? "" : "0",
      map: this.map ? "" : "0",
      marks: this.landmarks ? "" : "0",
      curves: listed(this.curves),
      panel: this.panel === "why" ? "" : this.panel,
    };
  }

  /** Where a clause leads: its evidence, and where it speaks of a moment its time and the segment then. */
  private leads(clause: Clause, person: number): Record<string, string> {
    const state: Record<string, string> = { e: clause.evidence };
    if (clause.whole) return state;
    state.t = short(clause.start);
    const lane = this.lanes.find((one) => one.modality === "fused" && one.person === (person < 0 ? 0 : person));
    if (!lane) return state;
    const first = segmentAt(lane, clause.start + 1e-6);
    const index = first >= 0 ? first : segmentAt(lane, (clause.start + clause.end) / 2);
    if (index >= 0) state.s = nameOf(lane, index);
    return state;
  }

  /** The address of a clause, as a link has it. */
  addressOf(clause: Clause, person: number): string {
    return write({ view: "run", id: this.id, state: this.leads(clause, person) });
  }

  /** Follow a clause: what else is set (zoom, curves) stays, and the back button leads back. */
  followClause(clause: Clause, person: number): void {
    here.go("run", this.id, Object.fromEntries(Object.entries({ ...this.state(), panel: "", ...this.leads(clause, person) }).filter(([, value]) => value)));
  }

  seek(time: number, quiet = false): void {
    const whole = this.whole;
    const target = Math.min(Math.max(time, whole.from), whole.to);
    if (this.video) {
      const wanted = Math.max(0, target - this.offset);
      // A little into the frame, so that rounding never shows the one before.
      this.video.currentTime = wanted > 0 ? wanted + 1e-4 : 0;
    }
    this.arrived(target, !quiet);
    this.span = showing(this.span, target, whole);
    if (!quiet) this.note();
  }

  /** The recording is at this time now. */
  arrived(time: number, mayFollow = true): void {
    this.time = time;
    if (this.playing) this.span = showing(this.span, time, this.whole);
    if (mayFollow && this.follow) this.followTime(time);
  }

  private followTime(time: number): void {
    const lane = this.lanes.find((one) => one.modality === "fused" && one.person === this.person);
    if (!lane) return;
    const index = segmentAt(lane, time);
    if (index < 0) return;
    const name = nameOf(lane, index);
    if (name !== this.segment) this.choose(name, false, 120);
  }

  /** Choose a segment and read its evidence. */
  choose(name: string, again = false, wait = 0): void {
    if (name === this.segment && !again) return;
    this.segment = name;
    const chosen = found(this.lanes, name);
    if (chosen && chosen.lane.person >= -1) this.person = chosen.lane.person;
    clearTimeout(this.asking);
    this.evidenceFailure = "";
    if (!name) {
      this.evidence = null;
      return;
    }
    const ready = this.known.get(name);
    if (ready) {
      this.evidence = ready;
      this.note();
      return;
    }
    if (saved) {
      this.evidence = null;
      this.evidenceFailure = "The evidence of this segment is not in the saved page.";
      return;
    }
    this.asking = window.setTimeout(() => void this.readEvidence(name), wait);
    this.note();
  }

  private async readEvidence(name: string): Promise<void> {
    try {
      const evidence = await get<Evidence>(`${this.base}/evidence`, { segment: name });
      this.known.set(name, evidence);
      if (this.segment === name) this.evidence = evidence;
    } catch (error) {
      if (this.segment === name) {
        this.evidence = null;
        this.evidenceFailure = (error as Error).message;
      }
    }
  }

  /** The segment before or after in the lane of the chosen one, or of the chosen person. */
  step(by: number): void {
    const chosen = found(this.lanes, this.segment);
    const lane = chosen?.lane ?? this.lanes.find((one) => one.modality === "fused" && one.person === this.person);
    if (!lane) return;
    const from = chosen ? chosen.index : lastAtOrBefore(lane.start, this.time);
    const index = Math.min(Math.max(from + by, 0), lane.start.length - 1);
    this.go(lane, index);
  }

  /** Choose a segment and show its time. */
  go(lane: Lane, index: number): void {
    this.marked = "";
    this.choose(nameOf(lane, index));
    this.seek(lane.start[index], true);
    this.note();
  }

  /** Boxes and landmarks around a time; asked for where they are not here yet. */
  tracksAt(time: number): Track[] {
    if (!this.run?.has.frames) return [];
    if (saved) {
      const all = this.tracks.get(0);
      return Array.isArray(all) ? all : [];
    }
    const part = Math.max(0, Math.floor(time / PART));
    void this.ask(part);
    if (time - part * PART > 0.7 * PART) void this.ask(part + 1);
    const tracks = this.tracks.get(part);
    return Array.isArray(tracks) ? tracks : [];
  }

  private async ask(part: number): Promise<void> {
    if (this.tracks.has(part) || part * PART > this.whole.to) return;
    this.tracks.set(part, "asked");
    try {
      // A second on either side, so that what lies across the edge is between two samples too.
      const start = Math.max(0, part * PART - 1);
      const given = await get<FramesPart>(`${this.base}/frames`, { start, end: (part + 1) * PART + 1 });
      this.takeFrames(given, part);
    } catch {
      setTimeout(() => this.tracks.delete(part), 4000);
    }
  }

  private takeFrames(given: FramesPart, part = 0): void {
    this.tracks.set(part, tracksOf(given));
    this.lines = given.lines ?? [];
    this.rate = given.rate || 5;
    this.parts += 1;
  }

  /** An edit under the viewer's name; gives whether it was kept. */
  async edit(action: string, values: Record<string, unknown>, loose = false): Promise<boolean> {
    return this.kept(`${this.base}/edits`, { author: bench.author || "me", ...(loose ? {} : { revision: this.edits?.revision ?? 0 }), action, values });
  }

  async undo(again = false): Promise<boolean> {
    return this.kept(`${this.base}/edits/${again ? "redo" : "undo"}`, { author: bench.author || "me" });
  }

  private async kept(path: string, body: Record<string, unknown>): Promise<boolean> {
    try {
      this.edits = await send<Edits>("POST", path, body);
    } catch (error) {
      const known = error instanceof ApiError ? error : null;
      if (known?.status === 409 && known.body.state) {
        this.edits = known.body.state as Edits;
        bench.say("Somebody else changed this recording meanwhile; it is shown as it is now. Do your change again where it still fits.", true);
        await this.refresh();
      } else bench.say(known?.message ?? String(error), true);
      return false;
    }
    await this.refresh();
    return true;
  }

  /** What a person is called. */
  nameOfPerson(person: number): string {
    if (person < 0) return person === -1 ? "Scene" : "Everybody";
    return this.run?.people.find((one) => one.id === person)?.name || `Person ${person}`;
  }
}
