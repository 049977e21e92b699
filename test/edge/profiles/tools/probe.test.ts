import { describe, expect, test } from "vitest";
import { encodeImage, type FieldValue } from "../../../../edge/profiles/encode.ts";
import { loadProfile } from "../../../../edge/profiles/load.ts";
import type { Field, Profile } from "../../../../edge/profiles/schema.ts";
import { type ProbeRow, probe } from "../../../../edge/profiles/tools/probe.ts";
import { probeText } from "../../../../edge/profiles/tools/probe-text.ts";
import { FakeClock } from "../../../fake-clock.ts";
import { FakeLink } from "../../poll/modbus-rig.ts";

const METER = loadProfile("schneider-iem3000");
const LIVE: [string, FieldValue][] = [
  ["voltage-l1", 229.9],
  ["voltage-l2", 230.4],
  ["voltage-l3", 231.1],
  ["current-l1", 12.5],
  ["current-l2", 11.25],
  ["frequency", 50.02],
  ["power", 8_400],
];

/** A device that really has `truth`, probed with what somebody believes it to be. */
async function probed(truth: Profile, believed: Profile, values = LIVE) {
  const clock = new FakeClock();
  const link = new FakeLink(clock, new Map([[1, encodeImage(truth, new Map(values))]]));
  const result = { link, rows: [] as ProbeRow[] };
  const running = probe(link, believed, 1, { clock, onRow: (row) => void result.rows.push(row) });
  await clock.advance(600_000);
  return { ...result, report: await running };
}

/** The meter, had somebody described its fields in another way. */
function withFields(change: (field: Field) => Field): Profile {
  const changed = new Map(METER.fields.map((field) => [field, change(field)]));
  const points = METER.points.map((point) => ({
    ...point,
    field: changed.get(point.field) ?? point.field,
  }));
  return { ...METER, fields: [...changed.values()], points };
}

const rowOf = (rows: readonly ProbeRow[], id: string, shift: number) => {
  const row = rows.find((candidate) => candidate.field.id === id && candidate.shift === shift);
  if (!row) throw new Error(`no row ${id} ${shift}`);
  return row;
};

test("shows 229.9 V beside what the three other byte orders would make of it", async () => {
  const { report, rows } = await probed(METER, METER);
  const row = rowOf(report.rows, "voltage-l1", 0);
  expect([...(row.wire ?? [])].map(Number)).toEqual([0x4365, 0xe666]);
  expect(row.decodes.map(({ order, plausible }) => [order, plausible])).toEqual([
    ["ABCD", true],
    ["CDAB", false],
    ["BADC", false],
    ["DCBA", false],
  ]);
  expect(rows).toEqual(report.rows);
  expect(probeText(report)).toContain("4365 e666            ABCD 229.9 ✓");
  expect(probeText(report)).toMatch(
    /\d+ values are plausible as schneider-iem3000 says \(ABCD\)\.$/,
  );
});

describe("the verdict names", () => {
  test("a device whose words are swapped", async () => {
    const swapped = withFields((field) => ({ ...field, order: "CDAB" }));
    const { report } = await probed(swapped, METER);
    expect(probeText(report)).toMatch(/with CDAB, \d+ are\./);
  });

  test("a document that counts from 1 taken for one that counts from 0", async () => {
    const oneOff = withFields((field) => ({ ...field, address: field.address + 1 }));
    const { report } = await probed(METER, oneOff);
    expect(probeText(report)).toMatch(/with ABCD and −1 on every address, \d+ are\./);
  });

  test("a device without any load", async () => {
    const { report } = await probed(METER, METER, []);
    expect(probeText(report)).toContain("Nothing but zeros to judge by");
  });

  test("registers that the device refuses", async () => {
    const clock = new FakeClock();
    const link = new FakeLink(clock, new Map([[1, encodeImage(METER, new Map(LIVE))]]));
    link.refuse = ({ address }) => (address >= 3_200 ? 2 : undefined);
    const running = probe(link, METER, 1, { clock });
    await clock.advance(600_000);
    const report = await running;
    expect(probeText(report)).toContain("Not given: energy, energy-export.");
    expect(rowOf(report.rows, "energy", 0).error).toBe("exception 2");
  });

  test("a unit that is not there, after three fields and not after all", async () => {
    const clock = new FakeClock();
    const link = new FakeLink(clock, new Map());
    link.dead.add(1);
    const running = probe(link, METER, 1, { clock });
    await clock.advance(600_000);
    const report = await running;
    expect(report.silent).toBe(true);
    expect(link.asked.length).toBe(9);
    expect(probeText(report)).toContain("Unit 1 does not answer. Check unit number, speed, parity");
  });
});

test("scales are read before the values that lean on them", async () => {
  const meter = loadProfile("sunspec-meter");
  const { report } = await probed(meter, meter, [
    ["meter-model", 203],
    ["voltage-scale", -1],
    ["voltage-l1", 230.2],
  ]);
  expect(rowOf(report.rows, "voltage-l1", 0).decodes[0]).toEqual({
    order: "ABCD",
    decoded: { value: 230.2 },
    plausible: true,
  });
});

test("a line that goes away ends the probe as a bus fault", async () => {
  const clock = new FakeClock();
  const link = new FakeLink(clock, new Map());
  link.gone = true;
  await expect(probe(link, METER, 1, { clock })).rejects.toMatchObject({ reason: "bus" });
});

test("a register that must never be touched is not read beside a value either", async () => {
  const careful: Profile = { ...METER, limits: { ...METER.limits, illegal: [[3_034, 3_052]] } };
  const { link } = await probed(METER, careful);
  const touching = link.asked.filter(
    ({ address, count }) => address <= 3_052 && address + count > 3_034,
  );
  expect(touching).toEqual([]);
});
