import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { DeviceError, ModbusException, type ModbusLink } from "../../../edge/bus/port.ts";
import { edgeYaml } from "../../../edge/commission/edge-yaml.ts";
import { machineTargets, NO_TARGETS } from "../../../edge/commission/machine.ts";
import { Progress, type ProgressState, progressText } from "../../../edge/commission/progress.ts";
import { type BusFinding, scan, unitsText } from "../../../edge/commission/scan.ts";
import { allSettings, askTimeoutMs, settingText } from "../../../edge/commission/scan-modbus.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { FakeClock } from "../../fake-clock.ts";

const leave: (() => void)[] = [];
afterEach(() => {
  for (const done of leave.splice(0)) done();
});

test("progress tells what, percent, rate and time left, at most four times a second", async () => {
  const clock = new FakeClock();
  const told: ProgressState[] = [];
  const progress = new Progress(clock, 100, (state) => told.push(state));
  for (let i = 0; i < 20; i += 1) {
    progress.step(`unit ${i}`);
    await clock.advance(100);
  }
  expect(told).toHaveLength(7);
  expect(progressText(progress.state())).toBe("unit 19   20 %   10/s   8 s left");
  progress.skip(80);
  expect(progressText(progress.state())).toMatch(/100 %/);
  progress.add(20);
  expect(progress.state()).toMatchObject({ done: 20, total: 40, leftS: 2 });
});

test("the machine's own buses are found by their device files; screens and the mini UART are left out", () => {
  const root = mkdtempSync(path.join(tmpdir(), "plenum-machine-"));
  leave.push(() => rmSync(root, { recursive: true }));
  const file = (name: string, text = "") => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  for (const bus of ["i2c-1", "i2c-20", "i2c-11"]) {
    file(`dev/${bus}`);
    file(`sys/class/i2c-dev/${bus}/name`, bus === "i2c-20" ? "fef04500.i2c HDMI" : "bcm2835");
  }
  file("sys/bus/w1/devices/w1_bus_master1");
  file("sys/class/gpio/gpiochip512/label", "pinctrl-bcm2711\n");
  file("sys/class/gpio/gpiochip512/ngpio", "58\n");
  for (const tty of ["ttyUSB0", "ttyUSB1", "ttyAMA0", "ttyS0"]) file(`dev/${tty}`);
  for (const folder of ["by-id", "by-path"])
    mkdirSync(path.join(root, "dev/serial", folder), { recursive: true });
  symlinkSync("../../ttyUSB0", path.join(root, "dev/serial/by-id/usb-FTDI-A5"));
  symlinkSync("../../ttyUSB0", path.join(root, "dev/serial/by-path/pci-1"));
  symlinkSync("../../ttyUSB1", path.join(root, "dev/serial/by-path/pci-2"));
  const targets = machineTargets(root);
  expect(targets.i2c.map(({ device }) => device)).toEqual(["/dev/i2c-1", "/dev/i2c-11"]);
  expect(targets.oneWire).toHaveLength(1);
  expect(targets.gpio).toEqual([{ id: "gpio", type: "gpio", chip: "pinctrl-bcm2711", lines: 58 }]);
  expect(targets.serial.map(({ id, device }) => [id, path.relative(root, device)])).toEqual([
    ["rs485-1", "dev/serial/by-id/usb-FTDI-A5"],
    ["rs485-2", "dev/serial/by-path/pci-2"],
    ["rs485-3", "dev/ttyAMA0"],
  ]);
  expect(targets.skipped).toEqual([
    "/dev/i2c-20 leads to a screen (fef04500.i2c HDMI)",
    "/dev/ttyS0 is the mini UART, not fit for RS-485",
  ]);
});

test("all speeds with all parities are 24 settings, each once, the usual first", () => {
  const texts = allSettings().map(settingText);
  expect(new Set(texts).size).toBe(24);
  expect(texts).toHaveLength(24);
  expect(texts.slice(0, 2)).toEqual(["9600 8N1", "19200 8E1"]);
  expect([askTimeoutMs(1200), askTimeoutMs(115_200)]).toEqual([258, 122]);
  expect([unitsText([1, 2, 3]), unitsText([1, 247])]).toEqual(["1–3", "1, 247"]);
});

/** A line whose one unit speaks at one setting; at another speed of the same parity it sounds garbled. */
function lineAt(wanted: string, unit: number, opened: string[]) {
  const none = () => Promise.reject(new DeviceError("bus", "none"));
  return {
    i2c: none,
    oneWire: none,
    gpio: none,
    nut: none,
    kernel: none,
    modbus: async (bus: { type: string; baud?: number; parity?: string }): Promise<ModbusLink> => {
      const at = `${bus.baud} ${bus.parity}`;
      opened.push(at);
      return {
        readRegisters: async (request) => {
          if (request.unit !== unit) throw new DeviceError("no-answer", "silence");
          if (at !== wanted) throw new DeviceError("checksum", "noise");
          throw new ModbusException(2, "illegal address");
        },
        readBits: async () => [],
        drain: async () => undefined,
        close: async () => {
          opened.push("closed");
        },
      };
    },
  };
}

const sweep = (ports: ReturnType<typeof lineAt>, settings = allSettings()) =>
  scan({
    targets: { ...NO_TARGETS, serial: [{ id: "rs485-1", device: "/dev/ttyUSB0" }] },
    ports,
    profiles: [],
    settings,
    units: [1, 2, 3],
    clock: new FakeClock(),
    onProgress: () => undefined,
  });

test("a serial line is tried until a unit answers, even with a refusal; each port is closed again", async () => {
  const opened: string[] = [];
  const [finding] = await sweep(lineAt("19200 none", 3, opened));
  expect(finding).toMatchObject({
    kind: "modbus",
    bus: { type: "modbus-rtu", baud: 19_200, parity: "none", stop: 1 },
    units: [{ unit: 3, is: "like", profiles: [] }],
  });
  expect(opened.filter((at) => at === "closed")).toHaveLength(3);
});

test("a line on which nobody answers says what was tried and that something spoke", async () => {
  const [finding] = await sweep(lineAt("nothing", 2, []), allSettings().slice(0, 2));
  expect(finding).toEqual({
    kind: "failed",
    where: "serial line rs485-1 (/dev/ttyUSB0)",
    why: "nobody answered at 2 settings and units 1–3; at 9600 8N1 something spoke that was not understood",
  });
});

test("a NUT server's UPSes are listed with what each really measures", async () => {
  const lists: Record<string, Map<string, string>> = {
    a: new Map([
      ["ups.status", "OL"],
      ["ups.load", "40"],
    ]),
  };
  const nut = {
    units: async () =>
      new Map([
        ["a", "Feed A"],
        ["b", "Feed B"],
      ]),
    list: async (ups: string) => {
      const list = lists[ups];
      if (!list) throw new DeviceError("no-answer", "stale");
      return list;
    },
    get: async () => "",
    close: async () => undefined,
  };
  const bus = { id: "nut-nas", type: "nut" as const, host: "nas", port: 3493 };
  const [finding] = await scan({
    targets: { ...NO_TARGETS, nut: [bus] },
    ports: { ...lineAt("", 1, []), nut: async () => nut },
    profiles: [],
    settings: [],
    units: [],
    clock: new FakeClock(),
    onProgress: () => undefined,
  });
  expect(finding).toMatchObject({
    kind: "nut",
    upses: [
      { ups: "a", description: "Feed A", values: ["load"] },
      { ups: "b", values: expect.arrayContaining(["runtime", "charge"]) },
    ],
  });
});

const catalogue = ownCatalogue();
const yamlOf = (findings: BusFinding[]) =>
  edgeYaml({ node: "pi-1", hubUrl: "mqtt://hub", findings, skipped: [], catalogue, at: 0 });

test("a scan that found nothing still gives a file that the check accepts", () => {
  const text = yamlOf([{ kind: "failed", where: "I2C bus i2c-1", why: "not there" }]);
  expect(checkEdge(text, "edge.yaml", catalogue)).toHaveProperty("config");
  expect(text).toContain("#   I2C bus i2c-1: not there");
});

test("every driver and every profile that a scan can name gives a file that the check accepts", () => {
  const chips = [...catalogue.i2c].map(([model, { addresses }], i) => ({
    kind: "i2c" as const,
    bus: { id: `i2c-${i}`, type: "i2c" as const, device: `/dev/i2c-${i}` },
    chips: [{ address: addresses[0]!, is: "known" as const, model }],
  }));
  const units = catalogue.profiles.map((profile, i) => ({
    kind: "modbus" as const,
    bus: { id: `net-${i}`, type: "modbus-tcp" as const, host: "10.0.0.1", port: 502 },
    units: [{ unit: 1, is: "known" as const, profile, says: profile }],
  }));
  const text = yamlOf([...chips, ...units]);
  const checked = checkEdge(text, "edge.yaml", catalogue);
  expect(checked).not.toHaveProperty("problems");
  for (const [model] of catalogue.i2c) expect(text).toContain(`driver: ${model},`);
});

test("chips that are not proven stay comments, and say why", () => {
  const bus = { id: "i2c-1", type: "i2c" as const, device: "/dev/i2c-1" };
  const text = yamlOf([
    {
      kind: "i2c",
      bus,
      chips: [
        { address: 0x48, is: "like", models: ["tmp102", "lm75"] },
        { address: 0x49, is: "unknown", tried: ["tmp117"], usual: [] },
        { address: 0x68, is: "kernel" },
        { address: 0x40, is: "known", model: "never-heard-of" },
      ],
    },
    { kind: "gpio", bus: { id: "gpio", type: "gpio", chip: "pinctrl-rp1" }, lines: 54 },
    {
      kind: "nut",
      bus: { id: "nut-nas", type: "nut", host: "nas", port: 3493 },
      upses: [{ ups: "Office", description: "UPS\nof the office", values: ["load", "charge"] }],
    },
  ]);
  expect(text.split("\n").slice(5)).toMatchInlineSnapshot(`
    [
      "hub: { url: "mqtt://hub" }",
      "spool: { path: ./spool.db }",
      "buses:",
      "  - { id: i2c-1, type: i2c, device: "/dev/i2c-1" }",
      "  - { id: gpio, type: gpio, chip: "pinctrl-rp1" }",
      "  - { id: nut-nas, type: nut, host: "nas", port: 3493 }",
      "devices:",
      "  # i2c-1 0x48 holds the power-up values of tmp102 or lm75; that is no proof:",
      "  # - { id: i2c-1-48, bus: i2c-1, driver: tmp102, address: 0x48, every: 5s, points: { temperature: i2c-1-48.temperature } }",
      "  # - { id: i2c-1-48, bus: i2c-1, driver: lm75, address: 0x48, every: 5s, points: { temperature: i2c-1-48.temperature } }",
      "  # something answers at i2c-1 0x49 but is none of tmp117",
      "  # i2c-1 0x68 belongs to a driver of the kernel; a bus of type kernel can read it",
      "  # i2c-1 0x40: never-heard-of, which has no driver here",
      "  # nut-nas: UPS of the office",
      "  - { id: nut-nas-office, bus: nut-nas, ups: "Office", values: [load, charge] }",
      "doors: [] # take [] away with the first #",
      "  # gpio has lines 0–53: nothing tells what hangs on a line, and none was touched. For a door on line 17:",
      "  # - { id: door-1, label: Server room door, bus: gpio, line: 17, contact: nc, debounce: 100ms }",
      "",
    ]
  `);
  expect(checkEdge(text, "edge.yaml", catalogue)).toHaveProperty("config");
});
