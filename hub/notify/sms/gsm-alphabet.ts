/** 3GPP TS 23.038, 6.2.1. Ξ and the escape to a second table leave their places empty. */
const TABLE =
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘ\0\0ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const ALL = [...TABLE].flatMap((char, index) => place(char, index));
/**
 * A modem in text mode takes some of the codes below 32 for its own: 8 deletes, 26 ends a message, 27
 * discards it, 17 and 19 may stop the line. A text that needs one of those goes as UCS2.
 */
const CODES = new Map(ALL.filter(([, code]) => code >= 32));
const PLAINER: Record<string, string> = {
  ...{ "°": "", "–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"' },
  ...{ "[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "\\": "/", "~": "-", "^": "" },
  ...{ "€": "EUR", µ: "u", "²": "2", "³": "3", _: "-", "×": "x", "≥": ">=", "≤": "<=" },
  ...{ "\u00a0": " ", "\u202f": " ", "−": "-", "`": "'" },
};

function place(char: string, index: number): [string, number][] {
  return char === "\0" ? [] : [[char, index]];
}

/** Puts signs outside the alphabet of an SMS by ones inside where the meaning stays. */
export const plainer = (text: string): string =>
  [...text].map((char) => PLAINER[char] ?? char).join("");

export const fitsGsm = (text: string): boolean => [...text].every((char) => CODES.has(char));

/** The bytes a modem set to the GSM character set expects. Throws for a text that does not fit. */
export function gsmBytes(text: string): Buffer {
  return Buffer.from(
    [...text].map((char) => {
      const code = CODES.get(char);
      if (code === undefined) throw new RangeError(`${char} is not in the GSM alphabet`);
      return code;
    }),
  );
}

const CHARS = new Map(ALL.map(([char, code]) => [code, char]));
/** What a modem set to the GSM character set said; what has no place becomes a space. */
export const gsmText = (bytes: Buffer): string =>
  [...bytes].map((code) => CHARS.get(code) ?? " ").join("");

/** Big-endian UTF-16 in hex, as modems write and read UCS2. */
export const ucs2Hex = (text: string): string =>
  Buffer.from(text, "utf16le").swap16().toString("hex").toUpperCase();
export const ucs2Text = (hex: string): string =>
  hex.length % 4 === 0 ? Buffer.from(hex, "hex").swap16().toString("utf16le") : "";
