/** The colours of the charts in reports (Okabe and Ito): told apart with any colour vision; neutral is grey. */

export const COLOURS: Record<string, string> = {
  anger: "#D55E00",
  disgust: "#009E73",
  fear: "#CC79A7",
  happiness: "#E69F00",
  sadness: "#0072B2",
  surprise: "#56B4E9",
  neutral: "#8C8C8C",
};
const OTHERS = ["#7A5195", "#A05D00", "#4C9A8A", "#B5485D", "#5C6BC0", "#8D8741"];

/** The colour of a class: of the seven as above, of others always the same one of a few (as `figures.charts.colour`). */
export function colourOf(label: string): string {
  const known = COLOURS[label];
  if (known) return known;
  let sum = 0;
  for (const character of label) sum += character.codePointAt(0) ?? 0;
  return OTHERS[sum % OTHERS.length];
}

const MODALITIES: Record<string, string> = {
  face: "#E69F00",
  voice: "#0072B2",
  words: "#009E73",
  posture: "#CC79A7",
  gait: "#7A5195",
  scene: "#4C9A8A",
  background: "#4C9A8A",
  fused: "#8C8C8C",
};

/** The colour of a modality in bars of shares. */
export function modalityColour(name: string): string {
  return MODALITIES[name] ?? colourOf(name);
}

const PEOPLE = ["#0b7285", "#a34700", "#5f3dc4", "#2b6f2b", "#9c2166", "#6b5a00"];

/** A colour for a person's frame and name, apart from the colours of labels. */
export function personColour(person: number): string {
  return person < 0 ? "#667" : PEOPLE[person % PEOPLE.length];
}

/** Black or white, whichever is easier to read on a colour. */
export function inkOn(colour: string): string {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const share = parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}
