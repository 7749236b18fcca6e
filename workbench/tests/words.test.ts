import { describe, expect, it } from "vitest";
import { attributed } from "../src/lib/words";

const word = (text: string, value: number) => ({ text, value, evidence: `e:${text}` });

describe("words with what they speak for", () => {
  it("keeps the text and sets each attribution at its word", () => {
    const shown = attributed("Today, the United States, has won", [word("States,", 0.5), word("today", -0.2)]);
    expect(shown.map((piece) => piece.text)).toEqual(["Today,", "the", "United", "States,", "has", "won"]);
    expect(shown.map((piece) => piece.word?.value ?? null)).toEqual([-0.2, null, null, 0.5, null, null]);
  });

  it("gives a word that is said twice to the first free place, and loses none", () => {
    const shown = attributed("no no", [word("no", 1), word("no", 2), word("never", 3)]);
    expect(shown.map((piece) => [piece.text, piece.word?.value])).toEqual([["no", 1], ["no", 2], ["never", 3]]);
  });

  it("does without a text", () => {
    expect(attributed("", [word("yes", 1)])).toHaveLength(1);
    expect(attributed("", [])).toEqual([]);
  });
});
