import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("../../dashboard/theme.css", import.meta.url), "utf8");

/** Tokens of one block of theme.css over those of the dark default. */
function theme(selector: string): Record<string, string> {
  const at = css.indexOf(`${selector} {`);
  const block = css.slice(at, css.indexOf("}", at));
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]),
  );
}
const dark = theme(":root");
const THEMES: Record<string, Record<string, string>> = {
  dark,
  night: { ...dark, ...theme(".night") },
  light: { ...dark, ...theme(":root:not(.on-wall)") },
};

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
/** WCAG 2 contrast ratio. */
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

type Pair = [front: string, back: string, least: number];
const WALL: Pair[] = [
  ["t1", "panel", 7],
  ["t1", "page", 7],
  ["t1", "raised", 7],
  ["t2", "panel", 4.5],
  ["t2", "page", 4.5],
  ["t2", "raised", 4.5],
  ["t3", "panel", 4.5],
  ["t3", "page", 4.5],
  ["ink", "p1", 4.5],
  ["ink", "p2", 4.5],
  ["ink", "p3", 4.5],
  ["ink", "p4", 4.5],
  ["ink", "t1", 4.5],
  ["ink", "c3", 4.5],
  ["ink", "c2", 4.5],
  ["ink", "w2", 4.5],
  ["ink", "w3", 4.5],
  ["on-mild", "c1", 4.5],
  ["on-mild", "w1", 4.5],
  ["t1", "n1", 4.5],
  ["t1", "n2", 4.5],
  ["t1", "n3", 4.5],
  ["t1", "n4", 4.5],
  ["p1", "panel", 3],
  ["p2", "raised", 4.5],
  ["p3", "raised", 4.5],
  ["p4", "raised", 4.5],
  ["white", "p1", 3],
  ["white", "ink", 7],
];
const PAGES: Pair[] = [
  ["t1", "page", 7],
  ["t1", "panel", 7],
  ["t1", "raised", 7],
  ["t2", "page", 4.5],
  ["t2", "panel", 4.5],
  ["t2", "raised", 4.5],
  ["t3", "page", 4.5],
  ["t3", "panel", 4.5],
  ["link", "panel", 4.5],
  ["link", "page", 4.5],
  ["page", "t1", 7],
  ["on-p", "p1", 4.5],
  ["on-p", "p2", 4.5],
  ["on-p", "p3", 4.5],
  ["on-p", "p4", 4.5],
  ["on-far", "c3", 4.5],
  ["on-cold", "c2", 4.5],
  ["on-mild", "c1", 4.5],
  ["on-mild", "w1", 4.5],
  ["ink", "w2", 4.5],
  ["on-far", "w3", 4.5],
  ["line", "panel", 3],
];

test.each([
  ...WALL.map((pair) => ["dark", ...pair] as const),
  ...WALL.map((pair) => ["night", ...pair] as const),
  ...PAGES.map((pair) => ["dark", ...pair] as const),
  ...PAGES.map((pair) => ["light", ...pair] as const),
])("%s: %s on %s has a contrast of at least %f", (name, front, back, least) => {
  const tokens = THEMES[name]!;
  expect(contrast(tokens[front]!, tokens[back]!)).toBeGreaterThanOrEqual(least);
});

test("the wall has no green", () => {
  for (const [name, hex] of Object.entries(THEMES.dark!)) {
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [
      number,
      number,
      number,
    ];
    expect(g > r * 1.1 && g > b * 1.1, `--${name} ${hex}`).toBe(false);
  }
});
