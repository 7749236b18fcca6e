/** The state of the workbench in the address, after the `#`: what is in it can be shared, and the back button works. */

export type View = "library" | "run" | "audit" | "compare" | "queue";

export interface Address {
  view: View;
  /** The run or audit that is open. */
  id: string;
  /** Everything else: search, sort, time, zoom, selection. Values are texts; what is empty is left out. */
  state: Record<string, string>;
}

const VIEWS: readonly View[] = ["library", "run", "audit", "compare", "queue"];

/** Read what stands after the `#`; whatever is not understood opens the library. */
export function read(hash: string): Address {
  const text = hash.replace(/^#\/?/, "");
  const [path, query = ""] = [text.split("?")[0], text.split("?").slice(1).join("?")];
  const [name = "", ...rest] = path.split("/");
  const view = VIEWS.find((one) => one === name) ?? "library";
  const state: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(query)) if (value !== "") state[key] = value;
  return { view, id: safelyDecoded(rest.join("/")), state };
}

/** The inverse of `read`: always the same text for the same state. */
export function write(address: Address): string {
  const query = new URLSearchParams();
  for (const key of Object.keys(address.state).sort()) if (address.state[key]) query.set(key, address.state[key]);
  const path = address.id ? `${address.view}/${encodeURIComponent(address.id)}` : address.view;
  const text = query.toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** A number of the state within bounds; the given one where there is none. */
export function numberOf(state: Record<string, string>, key: string, otherwise: number): number {
  const value = Number(state[key]);
  return state[key] !== undefined && state[key] !== "" && Number.isFinite(value) ? value : otherwise;
}

/** A time as the address has it: milliseconds are enough, and trailing zeros say nothing. */
export function short(seconds: number): string {
  return String(Math.round(seconds * 1000) / 1000);
}

/** A list of names in one value. */
export function listOf(state: Record<string, string>, key: string): string[] {
  return (state[key] ?? "").split(",").filter(Boolean).map(safelyDecoded);
}

/** The inverse of `listOf`; commas within a name are kept apart. */
export function listed(names: readonly string[]): string {
  return names.map((name) => name.replace(/%/g, "%25").replace(/,/g, "%2C")).join(",");
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
