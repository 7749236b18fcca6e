/** What the whole page shares: facts of the server, the look, who is at work, and what is said to them. */

import { ApiError, get, saved, send } from "./api";
import type { About, Job } from "./types";

export interface Message {
  number: number;
  text: string;
  bad: boolean;
}

const LOOK = "affectlens-look";
const AUTHOR = "affectlens-author";

function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without storage the choice holds until the page is closed.
  }
}

class Workbench {
  about: About | null = $state.raw(null);
  failure = $state("");
  dark = $state(false);
  author = $state(kept(AUTHOR));
  messages: Message[] = $state([]);
  jobs: Job[] = $state.raw([]);
  /** Files on their way to the server: name and share. */
  sending: { name: string; share: number; stop: () => void }[] = $state([]);
  private count = 0;
  private polling = 0;
  private finished = new Map<string, string>();
  /** Grows when the library should be read again. */
  changed = $state(0);

  constructor() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const chosen = kept(LOOK);
    this.paint(chosen ? chosen === "dark" : dark.matches);
    dark.addEventListener("change", (event) => {
      if (!kept(LOOK)) this.paint(event.matches);
    });
  }

  private paint(dark: boolean): void {
    this.dark = dark;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }

  turn(): void {
    this.paint(!this.dark);
    keep(LOOK, this.dark ? "dark" : "light");
  }

  named(author: string): void {
    this.author = author.trim().slice(0, 80);
    keep(AUTHOR, this.author);
  }

  async begin(): Promise<void> {
    if (saved) return;
    try {
      this.about = await get<About>("/api/about");
      this.failure = "";
      void this.look();
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }

  say(text: string, bad = false): void {
    this.count += 1;
    const number = this.count;
    this.messages.push({ number, text, bad });
    if (!bad) setTimeout(() => this.dismiss(number), 6000);
  }

  dismiss(number: number): void {
    this.messages = this.messages.filter((one) => one.number !== number);
  }

  /** Do something that may fail, and say why where it did. */
  async attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return undefined;
      this.say(error instanceof ApiError ? error.message : `Something went wrong in this page: ${String(error)}`, true);
      return undefined;
    }
  }

  /** Read the list of jobs, and again each second while one is at work. */
  async look(): Promise<void> {
    clearTimeout(this.polling);
    try {
      const { jobs } = await get<{ jobs: Job[] }>("/api/jobs");
      for (const job of jobs) {
        const before = this.finished.get(job.id);
        if (before && before !== job.state && ["done", "failed"].includes(job.state)) {
          if (job.state === "failed") this.say(`${job.name} failed: ${job.error}`, true);
          else if (job.kind === "upload") this.say(`${job.name} is explained.`);
          this.changed += 1;
        }
        this.finished.set(job.id, job.state);
      }
      this.jobs = jobs;
    } catch {
      // The next look says whether the server is there again.
    }
    const busy = this.jobs.some((job) => job.state === "queued" || job.state === "running");
    if (busy) this.polling = window.setTimeout(() => void this.look(), 1000);
  }

  async job(path: string, method: "POST" | "DELETE" = "POST", body?: unknown): Promise<Job | undefined> {
    const job = await this.attempt(() => send<Job>(method, path, body));
    await this.look();
    return job;
  }
}

export const bench = new Workbench();
