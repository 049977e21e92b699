import { expect, test } from "vitest";
import { DeviceError } from "../../../edge/bus/port.ts";
import { decodeSdp3x, sdp3x } from "../../../edge/drivers/sdp3x.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { framed, scriptedI2c } from "./scripted-device.ts";

const product = (high: number, low: number) =>
  Uint8Array.of(
    ...framed(high),
    ...framed(low),
    ...Array.from({ length: 4 }, () => framed(1)).flatMap((b) => [...b]),
  );

test("SDP3x is stopped, known by its product number and started; then it reads 50 Pa and 25 °C", async () => {
  const device = scriptedI2c([
    { write: [0x3f, 0xf9] },
    { write: [0x36, 0x7c] },
    { write: [0xe1, 0x02] },
    { read: product(0x0302, 0x0a01) },
    { write: [0x36, 0x15] },
    { read: hexBytes("0bb89d138801003c39") },
  ]);
  await sdp3x.start?.(device);
  expect(device.pausedMs).toBeGreaterThanOrEqual(8);
  expect(await sdp3x.read(device)).toEqual({ pressure: 50, temperature: 25 });
});

test("a chip that does not acknowledge the stop is started all the same", async () => {
  const device = scriptedI2c([
    { write: [0x36, 0x7c] },
    { write: [0xe1, 0x02] },
    { read: product(0x0301, 0x0101) },
    { write: [0x36, 0x15] },
  ]);
  const { write } = device;
  device.write = async (bytes) => {
    if (bytes[0] === 0x3f) throw new DeviceError("no-answer", "0x21 did not acknowledge");
    await write(bytes);
  };
  await sdp3x.start?.(device);
  expect(device.left()).toBe(0);
});

test("another Sensirion chip at its address is refused", async () => {
  const other = scriptedI2c([
    { write: [0x3f, 0xf9] },
    { write: [0x36, 0x7c] },
    { write: [0xe1, 0x02] },
    { read: product(0x0402, 0x0a01) },
  ]);
  await expect(sdp3x.start?.(other)).rejects.toMatchObject({ reason: "identity" });
});

test("a scale of zero steps is no pressure", () => {
  const frame = Uint8Array.of(...framed(100), ...framed(5_000), ...framed(0));
  expect(() => decodeSdp3x(frame)).toThrow(expect.objectContaining({ reason: "range" }));
});

test.each(vectorsOf("SDP3x"))("vector $id", ({ input, expected, tolerance }) => {
  const { pressure, temperature } = decodeSdp3x(hexBytes(input));
  expect(Math.abs(pressure - Number(expected.dp_pa))).toBeLessThanOrEqual(Number(tolerance));
  expect(Math.abs(temperature - Number(expected.temperature_c))).toBeLessThanOrEqual(
    Number(tolerance),
  );
});
