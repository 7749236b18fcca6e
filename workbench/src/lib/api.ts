/** Requests to the server of this page, and to the data within a page that was saved. */

import type { Evidence, FramesPart, Job, Moment, Narrative, RawLanes, Run } from "./types";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly what: string,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** What a saved page carries. */
export interface Saved {
  run: Run;
  lanes: RawLanes;
  frames: FramesPart | null;
  narrative: Narrative;
  moments: { moments: Moment[] };
  evidence: Record<string, Evidence>;
  video: string | null;
  anonymous: boolean;
  labels: { name: string; colour: string }[];
}

/** The data of a saved page; null where a server stands behind this page. */
export const saved: Saved | null = (() => {
  const block = document.getElementById("affectlens-data");
  return block ? (JSON.parse(block.textContent ?? "null") as Saved) : null;
})();

const LOST = "The server does not answer. Is affectlens view still running?";
const CLOSED = "This page is not allowed to read yet: open the address that the command printed, with its token.";

/** A GET request; `query` leaves out what is undefined or empty. */
export async function get<T>(path: string, query: Record<string, unknown> = {}, signal?: AbortSignal): Promise<T> {
  return sent<T>(withQuery(path, query), { signal });
}

/** A request that changes something. */
export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { "X-Affectlens": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return sent<T>(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/** The file that a request gives, for saving. */
export async function fileOf(path: string, body: unknown): Promise<Blob> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "X-Affectlens": "1", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => {
    throw new ApiError(LOST, 0, "unreachable");
  });
  if (!answer.ok) throw await failure(answer);
  return answer.blob();
}

/** Send a file to be explained, telling how much has gone (0 to 1). */
export function upload(file: File, options: Record<string, unknown>, told: (share: number) => void): { job: Promise<Job>; stop: () => void } {
  const request = new XMLHttpRequest();
  const job = new Promise<Job>((resolve, reject) => {
    request.open("POST", withQuery("/api/jobs/upload", { name: file.name, options: JSON.stringify(options) }));
    request.setRequestHeader("X-Affectlens", "1");
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => told(event.lengthComputable ? event.loaded / Math.max(event.total, 1) : 0);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status < 300) resolve(body as unknown as Job);
      else reject(asError(request.status, body));
    };
    request.onerror = () => reject(new ApiError(LOST, 0, "unreachable"));
    request.onabort = () => reject(new ApiError("The upload was stopped.", 0, "stopped"));
    request.send(file);
  });
  return { job, stop: () => request.abort() };
}

export function withQuery(path: string, query: Record<string, unknown>): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== "") given.set(key, String(value));
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

async function sent<T>(path: string, how: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...how });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(LOST, 0, "unreachable");
  }
  if (!answer.ok) throw await failure(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function failure(answer: Response): Promise<ApiError> {
  return asError(answer.status, parsed(await answer.text()));
}

function asError(status: number, body: Record<string, unknown>): ApiError {
  const error = (body.error ?? {}) as { what?: string; message?: string };
  if (status === 401) return new ApiError(CLOSED, status, "token", body);
  return new ApiError(error.message ?? `The server answered with ${status}.`, status, error.what ?? "error", body);
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
