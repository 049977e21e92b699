import { expect, test } from "vitest";
import { DeviceError, ModbusException, type ModbusLink } from "../../../edge/bus/port.ts";
import { NO_TARGETS } from "../../../edge/commission/machine.ts";
import { scan } from "../../../edge/commission/scan.ts";
import { askUnit, identifyUnit } from "../../../edge/commission/scan-modbus.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { encodeField } from "../../../edge/profiles/encode.ts";
import type { Profile } from "../../../edge/profiles/schema.ts";
import { FakeClock } from "../../fake-clock.ts";

type Answer = (fc: number, address: number, count: number) => Uint16Array | DeviceError;

/** A link behind which every unit answers alike. */
function link(answer: Answer): ModbusLink & { asked: number } {
  const give = (fc: number, address: number, count: number) => {
    own.asked += 1;
    const given = answer(fc, address, count);
    if (given instanceof DeviceError) throw given;
    return given;
  };
  const own = {
    asked: 0,
    readRegisters: async (r: { fc: number; address: number; count: number }) =>
      give(r.fc, r.address, r.count),
    readBits: async (r: { fc: number; address: number; count: number }) =>
      [...give(r.fc, r.address, r.count)].map((bit) => bit === 1),
    drain: async () => undefined,
    close: async () => undefined,
  };
  return own;
}

const silent = new DeviceError("no-answer", "silence");
const PRESENCE: [name: string, answer: Answer, presence: string][] = [
  ["answers function 4", () => new Uint16Array(1), "there"],
  ["answers function 3 only", (fc) => (fc === 3 ? new Uint16Array(1) : silent), "there"],
  ["refuses the function", () => new ModbusException(1, ""), "there"],
  ["refuses the address", () => new ModbusException(2, ""), "there"],
  ["is not behind the gateway", () => new ModbusException(0x0b, ""), "absent"],
  ["has no path through the gateway", () => new ModbusException(0x0a, ""), "absent"],
  ["is silent", () => silent, "absent"],
  ["is garbled", () => new DeviceError("checksum", ""), "garbled"],
];
test.each(PRESENCE)("a unit that %s", async (_name, answer, presence) => {
  expect(await askUnit(link(answer), 1, 100)).toBe(presence);
});

test("a link that is gone ends the sweep", async () => {
  const gone = link(() => new DeviceError("bus", "connection lost"));
  await expect(askUnit(gone, 1, 100)).rejects.toThrow("connection lost");
  expect(gone.asked).toBe(1);
});

const catalogue = ownCatalogue();
const [meter, ups] = ["eastron-sdm630", "apc-smartups-990-9840"].map((id) => catalogue.profile(id));
if (!meter || !ups) throw new Error("profiles are missing");

/** A device of this profile, whose fields hold `spell`; everything else in its blocks is zero. */
function device(profile: Profile, spell: (id: string) => number | string): Answer {
  return (fc, address, count) => {
    const block = new Uint16Array(count);
    let known = false;
    for (const field of profile.fields) {
      if (field.fc !== fc) continue;
      for (const [i, word] of encodeField(field, spell(field.id)).entries()) {
        const at = field.address + i - address;
        if (at < 0 || at >= count) continue;
        block[at] = word;
        known = true;
      }
    }
    return known ? block : new ModbusException(2, "no such register");
  };
}
const volts = (id: string) => (id.startsWith("voltage") ? 230 : id === "frequency" ? 50 : 0.5);
const profiles = [ups, meter];

test("a device that names its model is known by it", async () => {
  const answer = device(ups, (id) => (id === "model" ? "Smart-UPS X 1500" : 1));
  expect(await identifyUnit(link(answer), 1, profiles)).toEqual({
    is: "known",
    profile: "apc-smartups-990-9840",
    says: "Smart-UPS X 1500",
  });
});

test("a device with an empty or foreign model is not known, and not taken for a likeness either", async () => {
  for (const model of ["", "Galaxy VS"]) {
    const answer = device(ups, (id) => (id === "model" ? model : 1));
    expect(await identifyUnit(link(answer), 1, [ups])).toEqual({ is: "like", profiles: [] });
  }
});

test("a meter without a model is like its profile, as long as its values can be", async () => {
  const found = (spell: (id: string) => number) =>
    identifyUnit(link(device(meter, spell)), 1, profiles);
  expect(await found(volts)).toEqual({ is: "like", profiles: ["eastron-sdm630"] });
  expect(await found((id) => (id === "frequency" ? 4.2e8 : volts(id)))).toEqual({
    is: "like",
    profiles: [],
  });
});

test("registers that are all zero prove nothing", async () => {
  const zeros = link((_fc, _address, count) => new Uint16Array(count));
  // 0 Hz is outside the meter's own range; without ranges the zeros would still be no likeness.
  const loose = { ...meter, points: meter.points.map(({ min: _, ...point }) => point) };
  expect(await identifyUnit(zeros, 1, [meter, loose])).toEqual({ is: "like", profiles: [] });
});

test("a TCP device that answers to every unit is written down once, with a note", async () => {
  const none = () => Promise.reject(new DeviceError("bus", "none"));
  const [finding] = await scan({
    targets: {
      ...NO_TARGETS,
      modbusTcp: [{ id: "net", type: "modbus-tcp", host: "10.0.0.5", port: 502 }],
    },
    ports: {
      ...{ i2c: none, oneWire: none, gpio: none, nut: none },
      modbus: async () => link(device(meter, volts)),
    },
    profiles,
    settings: [],
    units: [1, 2, 3, 4, 5],
    clock: new FakeClock(),
    onProgress: () => undefined,
  });
  expect(finding).toMatchObject({
    units: [{ unit: 1, is: "like", profiles: ["eastron-sdm630"] }],
    note: expect.stringContaining("every unit"),
  });
});
