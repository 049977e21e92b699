import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import {
  adjtimexVerdict,
  askServices,
  chronyVerdict,
  machineEvidence,
  timedatectlVerdict,
} from "../../edge/clock-evidence.ts";
import { FakeClock } from "../fake-clock.ts";

const TRACKING =
  "A29FC801,162.159.200.1,4,1780315200.123456789,0.000012345,-0.000030000,0.000100000,-12.345,0.001,0.050,0.020000000,0.001000000,64.2,Normal\n";
const WAITING =
  "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n";

test.each([
  ["yes\n", "synced"],
  ["no\n", "unsynced"],
  ["", "unknown"],
])("timedatectl says %j", (answer, verdict) => {
  expect(timedatectlVerdict(answer)).toBe(verdict);
});

test.each([
  ["chrony that follows a server", TRACKING, "synced"],
  ["the same in a leap second's day", TRACKING.replace("Normal", "Insert second"), "synced"],
  ["chrony that has no server yet", WAITING, "unsynced"],
  ["one that follows only itself", TRACKING.replace("A29FC801", "7F7F0101"), "unsynced"],
  ["one that is still 90 s off and slews", TRACKING.replace("0.000012345", "-90.5"), "unsynced"],
  ["no daemon", "506 Cannot talk to daemon\n", "unknown"],
])("%s", (_name, answer, verdict) => {
  expect(chronyVerdict(answer)).toBe(verdict);
});

test.each([
  ["Debian's, disciplined", "         mode: 0\n       status: 8193\nreturn value = 0\n", "synced"],
  ["Debian's, free running", "       status: 64\nreturn value = 5\n", "unsynced"],
  ["BusyBox', free running", "    status:       64 (UNSYNC)\n    return value: 5\n", "unsynced"],
  ["something else", "adjtimex: not permitted", "unknown"],
])("adjtimex: %s", (_name, answer, verdict) => {
  expect(adjtimexVerdict(answer)).toBe(verdict);
});

test("one witness who has seen the clock set is enough; none at all leaves it unknown", async () => {
  const with_ = (answers: Record<string, string>) =>
    askServices(async (program) => answers[program]);
  expect(await with_({})).toBe("unknown");
  expect(await with_({ timedatectl: "no\n" })).toBe("unsynced");
  expect(await with_({ timedatectl: "no\n", chronyc: TRACKING })).toBe("synced");
  expect(await with_({ chronyc: WAITING })).toBe("unsynced");
  expect(await with_({ adjtimex: "status: 64" })).toBe("unsynced");
});

test("services are asked at most once a minute", async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  const look = machineEvidence(clock, async (program) => {
    asked.push(program);
    return undefined;
  });
  await look();
  const once = asked.length;
  await clock.advance(59_000);
  await look();
  expect(asked).toHaveLength(once);
  await clock.advance(2_000);
  await look();
  expect(asked).toHaveLength(2 * once);
});

test.each([
  ["no hardware clock at all", undefined, false],
  ["one that kept the time to the minute", 30, true],
  ["one that is two minutes off, from which nobody set the clock", -120, false],
  ["one whose battery was empty, in the year 2000", "946684800", false],
  // The kernel answers EINVAL, and not with a file, to whoever reads a clock that lost its time.
  ["one that cannot be read", null, false],
])("a machine with %s", async (_name, offsetS, found) => {
  const clock = new FakeClock(Date.UTC(2026, 5, 1));
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-rtc-"));
  try {
    const rtc = path.join(folder, "rtc0");
    const file = path.join(rtc, "since_epoch");
    if (offsetS !== undefined) mkdirSync(rtc);
    if (offsetS === null) mkdirSync(file);
    else if (typeof offsetS === "string") writeFileSync(file, offsetS);
    else if (offsetS !== undefined) writeFileSync(file, String(clock.nowMs() / 1_000 + offsetS));
    const places = { timesyncdFlag: path.join(folder, "none"), hardwareClocks: folder };
    const look = machineEvidence(clock, async () => undefined, places);
    expect(await look()).toEqual({ service: "unknown", hardwareClock: found });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("timesyncd's file says that the clock is set, without asking anybody", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-timesync-"));
  try {
    const flag = path.join(folder, "synchronized");
    const asked: string[] = [];
    const clock = new FakeClock();
    const look = machineEvidence(
      clock,
      async (program) => {
        asked.push(program);
        return program === "timedatectl" ? "no\n" : undefined;
      },
      { timesyncdFlag: flag, hardwareClocks: path.join(folder, "none") },
    );
    expect((await look()).service).toBe("unsynced");
    const before = asked.length;
    writeFileSync(flag, "");
    await clock.advance(120_000);
    expect((await look()).service).toBe("synced");
    expect(asked).toHaveLength(before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
