import { expect, test } from "vitest";
import { WALL_SILENT_MS, Walls } from "../../../hub/walls/walls.ts";
import { FakeClock } from "../../fake-clock.ts";

const NOW = { silent: 1, well: 0 };

function open(...names: string[]) {
  const clock = new FakeClock();
  const walls = new Walls(names, clock);
  const shown = () =>
    Object.fromEntries(walls.gauges().map(({ role, read }) => [role.replace("wall.", ""), read()]));
  return { clock, walls, shown };
}

test("a screen that has said nothing for three minutes is silent, each by itself, until it speaks", async () => {
  const { clock, walls, shown } = open("lobby", "duty-room");
  for (let minute = 1; minute <= 3; minute += 1) {
    await clock.advance(60_000);
    walls.heard("lobby");
  }
  expect(shown()).toEqual({ lobby: NOW.well, "duty-room": NOW.well });
  await clock.advance(1);
  expect(shown()).toEqual({ lobby: NOW.well, "duty-room": NOW.silent });
  walls.heard("duty-room");
  expect(shown()["duty-room"]).toBe(NOW.well);
  await clock.advance(WALL_SILENT_MS + 1);
  expect(shown()).toEqual({ lobby: NOW.silent, "duty-room": NOW.silent });
});

test("a wall clock that is set does not make a screen silent", async () => {
  const { clock, shown } = open("lobby");
  clock.stepWall(86_400_000);
  await clock.advance(1_000);
  expect(shown()).toEqual({ lobby: NOW.well });
});

test("who is no screen is not watched, whatever it says", () => {
  const { walls, shown } = open("lobby");
  for (let n = 0; n < 10_000; n += 1) walls.heard(`x${n}`);
  expect(Object.keys(shown())).toEqual(["lobby"]);
});
