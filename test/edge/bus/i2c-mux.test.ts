import { expect, test } from "vitest";
import { enabledChannels, muxedBuses } from "../../../edge/bus/i2c-mux.ts";
import { sharedI2c } from "../../../edge/bus/i2c-shared.ts";
import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";

const MUX = 0x70;
const CHIP = 0x44;

/** A bus with a multiplexer and one chip on each channel; a chip answers with the mask it is seen through. */
function rig(faults: { open?: boolean; chip?: boolean; noMux?: boolean } = {}) {
  let mask = 0;
  let busy = false;
  const log = { opened: 0, closed: 0, masks: [] as number[] };
  const alone = async <T>(work: () => T): Promise<T> => {
    if (busy) throw new Error("two transfers at once");
    busy = true;
    await new Promise((resolve) => setImmediate(resolve));
    busy = false;
    return work();
  };
  const read = (address: number) =>
    alone(() => {
      if (address === MUX) return Uint8Array.of(faults.noMux ? 0xef : mask);
      log.masks.push(mask);
      if (faults.chip) throw new DeviceError("no-answer", "0x44 did not acknowledge");
      return Uint8Array.of(mask);
    });
  const parent: I2cPort = {
    write: (address, bytes) =>
      alone(() => {
        if (address === MUX) mask = bytes[0] ?? 0;
      }),
    read,
    writeRead: read,
    close: async () => {
      log.closed += 1;
    },
  };
  const open = async () => {
    log.opened += 1;
    if (faults.open) throw new DeviceError("bus", "no such bus");
    return parent;
  };
  return {
    open: muxedBuses({ bus: sharedI2c({ open }), address: MUX }),
    log,
    mask: () => mask,
    faults,
  };
}

test("chips of one address on eight channels are never mixed, however the reads overlap", async () => {
  const { open, mask } = rig();
  const channels = [0, 1, 2, 3, 4, 5, 6, 7];
  const ports = await Promise.all(channels.map(open));
  const frames = await Promise.all([...ports, ...ports].map((port) => port.read(CHIP, 1)));
  expect(frames.map(([byte]) => byte)).toEqual([...channels, ...channels].map((n) => 1 << n));
  expect(mask()).toBe(0);
});

test("a chip that does not answer leaves no channel open, and the next read works", async () => {
  const { open, mask, faults } = rig({ chip: true });
  const port = await open(3);
  await expect(port.read(CHIP, 1)).rejects.toMatchObject({ reason: "no-answer" });
  expect(mask()).toBe(0);
  faults.chip = false;
  expect(await port.writeRead(CHIP, Uint8Array.of(0), 1)).toEqual(Uint8Array.of(8));
});

test("another chip at the multiplexer's address is a bus fault, and nothing is read through it", async () => {
  const { open, log } = rig({ noMux: true });
  await expect((await open(0)).read(CHIP, 1)).rejects.toMatchObject({ reason: "bus" });
  expect(log.masks).toEqual([]);
});

test("the bus is opened once for all channels and closed with the last, and opened anew after", async () => {
  const { open, log } = rig();
  const [first, second] = [await open(0), await open(1)];
  await first.close();
  await first.close();
  expect(log).toMatchObject({ opened: 1, closed: 0 });
  await second.close();
  expect(log).toMatchObject({ opened: 1, closed: 1 });
  await open(0);
  expect(log.opened).toBe(2);
});

test("a bus that cannot be opened is tried again by the next", async () => {
  const { open, log, faults } = rig({ open: true });
  await expect(open(0)).rejects.toMatchObject({ reason: "bus" });
  faults.open = false;
  await open(0);
  expect(log.opened).toBe(2);
});

test.each(vectorsOf("TCA9548A"))("vector $id", ({ input, expected }) => {
  expect(enabledChannels(hexBytes(input)[0] ?? 0xff)).toEqual(expected.enabledChannels);
});
