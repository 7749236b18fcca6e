/** What the server gives, as docs/workbench.md describes it. Times are seconds of the recording, places fractions of the frame. */

export type Maybe = number | null;

export interface Notice {
  level: "info" | "warning" | "error";
  code: string;
  message: string;
}

export interface OptionSpec {
  name: string;
  kind: "bool" | "int" | "float" | "str" | "list";
  default: unknown;
  least?: number | null;
  most?: number | null;
  choices?: string[];
  help: string;
}

export interface About {
  version: string;
  folders: { id: string; name: string }[];
  labels: { name: string; colour: string }[];
  modalities: string[];
  options: OptionSpec[];
  upload: { most_bytes: number; suffixes: string[] };
  can_explain: boolean;
  why_not: string;
}

export interface Card {
  id: string;
  kind: string;
  name: string;
  folder: string;
  path: string;
  made: string;
  duration: Maybe;
  media?: string;
  people: { id: number; name: string; label: string }[];
  main: string;
  labels: Record<string, number>;
  conflicts: number;
  status: "ok" | "warning" | "error";
  notices: Notice[];
  thumbnail: string | null;
  edited: boolean;
  what_if: boolean;
}

export interface LibraryPage {
  total: number;
  page: number;
  size: number;
  revision: number;
  facets: Record<"kinds" | "labels" | "people" | "statuses", Record<string, number>>;
  notices: Notice[];
  items: Card[];
}

export interface Person {
  id: number;
  name: string;
  colour: string;
  from: number[];
  first: number;
  last: number;
  segments: number;
  labels: Record<string, number>;
}

export interface Edits {
  revision: number;
  names: Record<string, string>;
  merged: Record<string, number>;
  splits: { entry: string; person: number; at: number; end: Maybe; into: number }[];
  excluded: { entry: string; start: number; end: number; person: Maybe; reason: string }[];
  markers: { entry: string; time: number; end: Maybe; text: string; author: string; at: string }[];
  notes: { entry: string; start: number; end: Maybe; person: Maybe; text: string; author: string; at: string }[];
  labels: { entry: string; person: number; start: number; end: number; label: string | null; rater: string; at: string }[];
  raters: string[];
  undo: Record<string, string | null>;
  redo: Record<string, string | null>;
  history: { id: string; at: string; author: string; action: string; values: Record<string, unknown>; undone: boolean }[];
}

export interface Run {
  id: string;
  name: string;
  kind: string;
  duration: number;
  size: [number, number];
  made: string;
  status: string;
  notices: Notice[];
  media: { there: boolean; playable: boolean; address: string; copy: string; start_time: number; kind: string; type: string };
  people: Person[];
  modalities: string[];
  scheme_labels: Record<string, string[]>;
  colours: Record<string, string>;
  has: Record<string, boolean>;
  options: Record<string, unknown>;
  provenance: Record<string, unknown>;
  problems: string[];
  edits: Edits;
  what_if_of: string | null;
  report: string;
  files: string[];
}

export interface RawLane {
  person: number;
  modality: string;
  scheme: string;
  labels: string[];
  start: number[];
  end: number[];
  label: Maybe[];
  confidence: Maybe[];
  probabilities: Maybe[][];
  valence: Maybe[];
  arousal: Maybe[];
  quality: Maybe[];
  typical: Maybe[];
  weight: Maybe[];
  set: number[][];
  conflict: number[];
  status: number[];
  reason: Maybe[];
  text?: string[];
  language?: string[];
  excluded: number[];
  faithful: Maybe[];
}

export interface RawLanes {
  revision: number;
  reasons: string[];
  lanes: RawLane[];
  words: { person: number; start: number; end: number; text: string; probability: Maybe; utterance: number }[];
  speakers: { person: number; start: number; end: number; why: string }[];
  place: { kind: string; text: string; evidence: string } | null;
  things: { name: string; share: number; text: string; evidence: string }[];
  conflicts: { person: number; start: number; end: number; text: string; evidence: string }[];
  abstained: { person: number; modality: string; start: number; end: number; reason: string }[];
}

export interface FramesPart {
  rate: number;
  points: Record<string, [number, number]>;
  lines: number[][];
  people: { person: number; time: number[]; box: number[][]; marks?: (number[] | null)[]; quality?: Maybe[] }[];
}

export interface EvidenceRow {
  id: string;
  start: number;
  end: number;
  person: number;
  modality: string;
  level: string;
  kind: string;
  subject: string;
  target: string;
  value: Maybe;
  unit: string;
  low: Maybe;
  high: Maybe;
  p: Maybe;
  test: string;
  method: string;
  detail: Record<string, unknown>;
  text: string;
  faithful: boolean | null;
}

interface Said {
  text: string;
  name?: string;
  value?: Maybe;
  unit?: string;
  deviations?: Maybe;
  own?: boolean;
  evidence: string;
}

export interface FaceMap {
  method: string;
  target: string;
  grid: [number, number];
  values: number[];
  quad: number[];
  time: number;
}

export interface Evidence {
  segment: { person: number; start: number; end: number; excluded: boolean };
  answer: {
    label: string;
    confidence: Maybe;
    set: string[];
    coverage: Maybe;
    status: string;
    reason: string;
    conflict: boolean;
    valence: Maybe;
    arousal: Maybe;
    probabilities: Record<string, Maybe>;
    text: string;
  } | null;
  modalities: {
    modality: string;
    status: string;
    reason: string;
    label: string;
    confidence: Maybe;
    set: string[];
    probabilities: Record<string, Maybe>;
    weight: Maybe;
    quality: Maybe;
    typical: Maybe;
    text: string;
    start: number;
    end: number;
    share: { value: number; unit: string; plain: string; evidence: string } | null;
  }[];
  shapley: { modality: string; value: number; weight: Maybe; evidence: string }[];
  what_if: { without: string; answer: string; probability: Maybe; text: string; evidence: string }[];
  face: {
    time: number;
    pictures: { name: string; caption: string; address: string }[];
    map: FaceMap | null;
    regions: { name: string; relevance: number; area: number; lift: number; evidence: string }[];
    attention: { name: string; lift: number; evidence: string }[];
    movements: { name: string; deviation: number; evidence: string }[];
    faithful?: boolean | null;
  } | null;
  words: {
    start: number;
    end: number;
    text: string;
    label: string;
    words: { text: string; value: number; evidence: string }[];
    concepts: { name: string; cosine: number; p: Maybe; shown: boolean; text: string; evidence: string }[];
    faithful?: boolean | null;
  }[];
  voice: {
    start: number;
    end: number;
    label: string;
    differences: Said[];
    relevance: { name: string; value: number; evidence: string }[];
    moments: { start: number; end: number; value: number; evidence: string }[];
    neighbours: Said[];
    faithful?: boolean | null;
  }[];
  gait: Said[];
  posture: Said[];
  faithfulness: {
    explains: string;
    modality: string;
    start: number;
    end: number;
    shown: boolean;
    tests: { name: string; value: number; p: Maybe; shown: boolean; text: string; evidence: string }[];
  }[];
  scene: Said[];
  other: { kind: string; text: string; evidence: string }[];
  rows: EvidenceRow[];
}

export interface Clause {
  text: string;
  evidence: string;
  start: number;
  end: number;
  modality: string;
  kind: string;
  whole: boolean;
  faithful: boolean | null;
}

export interface Narrative {
  sentences: { person: number; clauses: Clause[] }[];
}

export interface Moment {
  time: number;
  end: number;
  person: number;
  label: string;
  why: string;
  kind: string;
  thumbnail: string | null;
}

export interface Job {
  id: string;
  kind: string;
  name: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled" | "interrupted";
  stage: string;
  done: Maybe;
  of: Maybe;
  share: Maybe;
  queued: string;
  started: string | null;
  ended: string | null;
  options: Record<string, unknown>;
  run: string | null;
  of_run: string | null;
  error: string;
  notes: string[];
  saved: boolean;
}

export interface Curve {
  table: string;
  column: string;
  unit: string;
  people: { person: number; time: number[]; value: Maybe[]; low: Maybe[]; high: Maybe[] }[];
  rows: number;
  drawn: number;
}

export interface Columns {
  tables: { name: string; columns: { name: string; unit: string; by?: string[] }[] }[];
}

export interface Interval {
  value: Maybe;
  low: Maybe;
  high: Maybe;
  items: number;
  why: string;
}

export interface Agreement {
  raters: string[];
  items: number;
  alpha: Interval;
  kappas: (Interval & { first: string; second: string })[];
  model: (Interval & { rater: string; agreement: Maybe })[];
  confusions: { rater: string; labels: string[]; counts: number[][] }[];
  items_listed: { person: number; start: number; end: number; labels: Record<string, string | null>; model: string }[];
}

export interface Audit {
  id: string;
  kind: string;
  name: string;
  made: string;
  notices: Notice[];
  findings: string[];
  facts: Record<string, Record<string, unknown>>;
  tables: { name: string; rows: number; columns: { name: string; kind: string; help: string }[]; main: boolean }[];
  charts: { name: string; title: string; address: string }[];
  page: string | null;
  examples: { kind: string; by: string[]; table: string; how: string };
}

export interface AuditTable {
  total: number;
  page: number;
  size: number;
  columns: string[];
  rows: unknown[][];
}

export interface Example {
  key: string;
  title: string;
  text: string;
  values: Record<string, unknown>;
  pictures: { caption: string; address: string }[];
  clip: { address: string; start: number; end: Maybe } | null;
  pair: string | null;
}

export interface Points {
  columns: string[];
  x: Maybe[];
  y: Maybe[];
  key: string[];
  /** What points can be coloured by: a value a point. */
  by: Record<string, unknown[]>;
  notices: Notice[];
}

interface Side {
  label: string;
  confidence: Maybe;
  set: string[];
}

export interface Comparison {
  kind: string;
  first: { id: string; name: string };
  second: { id: string; name: string };
  same_recording?: boolean;
  options?: { name: string; first: unknown; second: unknown }[];
  people?: { person: number; segments: number; same_label: number; share: Maybe; labels: { first: Record<string, number>; second: Record<string, number> } }[];
  segments?: { person: number; start: number; end: number; first: Side; second: Side; changed: boolean; distance: number }[];
  only_first?: number;
  only_second?: number;
  notices: Notice[];
  text?: string[];
  tables?: { name: string; key: string[]; columns: string[]; rows: { key: Record<string, unknown>; first: Record<string, unknown> | null; second: Record<string, unknown> | null }[]; total: number }[];
}
