/** Widths in em of Inter's characters, a little on the wide side, so that fitted text is never clipped. */
function charEm(char: string): number {
  if ("ijl.,:;'|!· ".includes(char)) return 0.3;
  if ("frtI()[]-/".includes(char)) return 0.42;
  if ("mwMW%".includes(char)) return 0.9;
  if (/[A-Z]/.test(char)) return 0.72;
  if (/[0-9]/.test(char)) return 0.645;
  // Scripts outside Latin, Greek and Cyrillic are as wide as high.
  return (char.codePointAt(0) ?? 0) > 0x24ff ? 1.05 : 0.6;
}

export function textEm(text: string): number {
  let sum = 0;
  for (const char of text) sum += charEm(char);
  return sum;
}

export interface Fitted {
  text: string;
  size: number;
}

/** Shrinks text to a width, down to `min`; what still does not fit ends with an ellipsis. */
export function fitText(text: string, width: number, size: { max: number; min: number }): Fitted {
  const em = textEm(text);
  if (em * size.max <= width) return { text, size: size.max };
  if (em * size.min <= width) return { text, size: width / em };
  let kept = "";
  let used = textEm("…");
  for (const char of text) {
    used += charEm(char);
    if (used * size.min > width) break;
    kept += char;
  }
  return { text: `${kept.trimEnd()}…`, size: size.min };
}
