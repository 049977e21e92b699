import { expect, test } from "vitest";
import type { PointInfo } from "../../../contract/message.ts";
import { KnownPoints } from "../../../edge/health/known-points.ts";

const points = ["pi-1.memory", "pi-1.disk-writes"].map(
  (id): PointInfo => ({ id, quantity: "count", label: id, periodMs: 10_000 }),
);
const ids = (known: KnownPoints) => known.infos().map(({ id }) => id);

test("a point is announced once, with its first value, and from the start after a restart", () => {
  const kept = new Map<string, string>();
  const memory = {
    recall: (name: string) => kept.get(name),
    remember: (name: string, value: string) => void kept.set(name, value),
  };
  let births = 0;
  const announce = () => {
    births += 1;
  };
  const first = new KnownPoints({ points, memory, announce });
  expect(ids(first)).toEqual([]);
  first.add("pi-1.memory");
  first.add("pi-1.memory");
  expect([ids(first), births]).toEqual([["pi-1.memory"], 1]);
  const second = new KnownPoints({ points, memory, announce });
  second.add("pi-1.memory");
  expect([ids(second), births]).toEqual([["pi-1.memory"], 1]);
  const without = new KnownPoints({ points: points.slice(1), memory, announce });
  expect(ids(without)).toEqual([]);
});
