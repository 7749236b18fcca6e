/** The words of a turn with what each of them speaks for. */

export interface Attributed {
  text: string;
  value: number;
  evidence: string;
}

/**
 * Every word of what was said, with its attribution where there is one.
 *
 * Evidence keeps the words that matter most, in any order; each is set at the first place in the text that holds it and is still
 * free. What is found nowhere is put at the end, so that nothing is lost.
 */
export function attributed(text: string, found: readonly Attributed[]): { text: string; word: Attributed | null }[] {
  const pieces = text
    .split(/\s+/)
    .filter(Boolean)
    .map((piece) => ({ text: piece, word: null as Attributed | null }));
  const left: Attributed[] = [];
  for (const word of found) {
    const place = pieces.find((piece) => piece.word === null && piece.text === word.text.trim()) ?? pieces.find((piece) => piece.word === null && bare(piece.text) === bare(word.text));
    if (place) place.word = word;
    else left.push(word);
  }
  return [...pieces, ...left.map((word) => ({ text: word.text, word }))];
}

const bare = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");
