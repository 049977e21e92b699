import type { Logger } from "pino";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { loadProfile } from "../../edge/profiles/load.ts";
import type { Profile } from "../../edge/profiles/schema.ts";
import { sensorCatalogue } from "./catalogue.ts";
import { type Controlled, describeCommands, obey } from "./commands.ts";
import { startControl } from "./control-server.ts";
import { HallChips, probeTexts } from "./hall-chips.ts";
import { INPUTS, type ModbusUnit, PROBES, RTU_UNITS, TCP_SERVERS } from "./layout.ts";
import { RegisterBank } from "./modbus/bank.ts";
import { ModbusDevice, type Wait } from "./modbus/device.ts";
import { serveModbusRtu } from "./modbus/rtu-slave.ts";
import { startModbusTcp } from "./modbus/tcp-server.ts";
import { Random } from "./random.ts";
import { Sensors } from "./sensors.ts";
import { startHallWire } from "./wire/hall-wire.ts";
import { OneWireFolder } from "./wire/one-wire-folder.ts";
import { openPty } from "./wire/pty.ts";
import { World } from "./world.ts";

const TICK_MS = 200;
const PROBE_MS = 1_000;
/** After a pause of the whole program, at most this much time is caught up. */
const CATCH_UP_MS = 5_000;
const DAY_S = 86_400;
const TEXTS: Readonly<Record<string, string>> = { model: "Smart-UPS SRT 100000" };

export interface RoomOptions {
  /** Folder for the 1-Wire files; made when missing. */
  w1Dir: string;
  /** Ports from here on: wire, then the Modbus TCP servers. 0 = free ports. */
  portBase?: number;
  /** Control port; 0 = a free one. */
  httpPort?: number;
  /** How much faster than time the physics run. */
  speed?: number;
  seed?: number;
  clock?: Clock;
  log?: Logger;
}

export interface RoomPorts {
  /** Control over HTTP. */
  http: number;
  /** I2C and GPIO. */
  wire: number;
  /** Modbus TCP by server name: ups-a, ups-b, crah-1…3, gen-1, pdus. */
  tcp: Record<string, number>;
  /** Device path of the RS-485 line. */
  rtu: string;
  w1: string;
}

export interface Room {
  ports: RoomPorts;
  world: World;
  /** Carries out a control command; throws CommandError. */
  do(command: string, target?: string, value?: string | number): string;
  /** True physical values by point. */
  state(): Record<string, number>;
  /** Level last written to a GPIO output line. */
  output(line: number): 0 | 1 | undefined;
  /** Rejects when the room broke; resolves after `close`. */
  ended: Promise<void>;
  close(): Promise<void>;
}

/** Starts the simulated hall: physics, sensors, wires and control, all on loopback. */
export async function startRoom(options: RoomOptions): Promise<Room> {
  const { clock = systemClock, log } = options;
  const hall = makeHall(options, clock);
  const stop = new AbortController();
  const folder = new OneWireFolder(options.w1Dir);
  const closers: Closer[] = [];
  try {
    await folder.clear(PROBES.map(({ rom }) => rom));
    await folder.show(probeTexts(hall.sensors));
    const wait: Wait = (ms) => clock.sleep(ms, stop.signal);
    const wires = await startWires(hall, { wait, portBase: options.portBase ?? 0, closers });
    const command: Room["do"] = (name, target, value = "") => {
      const done = obey(hall, name, target, String(value));
      wires.hall.refresh();
      log?.info({ command: name, target, value, done }, "room command");
      return done;
    };
    const control = await startControl(
      {
        obey: command,
        commands: () => describeCommands(hall),
        state: () => stateOf(hall.world),
        faults: () => faultsOf(hall),
      },
      options.httpPort ?? 0,
    );
    closers.push(() => control.close());
    const ended = Promise.all([
      runPhysics(hall, clock, stop.signal),
      runProbes(folder, hall.sensors, { clock, signal: stop.signal }),
      runLine(() => serveModbusRtu(wires.pty, devicesOf(hall, RTU_UNITS), wait), stop.signal),
    ]).then(() => undefined);
    return {
      ports: { http: control.port, ...wires.ports, w1: folder.dir },
      world: hall.world,
      do: command,
      state: () => stateOf(hall.world),
      output: wires.hall.output,
      ended,
      close: async () => {
        stop.abort();
        await closeAll(closers);
        await ended;
      },
    };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

type Closer = () => Promise<void>;

function makeHall(options: RoomOptions, clock: Clock): Controlled {
  const seed = options.seed ?? 1;
  const startSecond = Math.floor(clock.nowMs() / 1_000) % DAY_S;
  const world = new World({ seed, startSecond });
  const sensors = new Sensors(world.truth, new Random(seed + 1));
  const chips = new HallChips(sensors, clock);
  const units = [...RTU_UNITS, ...TCP_SERVERS.flatMap((server) => server.units)].map((unit) => ({
    unit,
    profile: loadProfile(unit.profile),
  }));
  return {
    world,
    sensors,
    catalogue: sensorCatalogue(units),
    buses: chips.buses,
    modbus: new Map(
      units.map(({ unit, profile }) => [unit.device, makeDevice(unit, profile, sensors)]),
    ),
    resetChip: (points) => chips.reset(points),
    pace: { speed: options.speed ?? 1 },
  };
}

/** Opens every wire; what is open is added to `closers` at once. */
async function startWires(
  hall: Controlled,
  { wait, portBase, closers }: { wait: Wait; portBase: number; closers: Closer[] },
) {
  const level = (line: number) => inputLevel(hall.sensors, line);
  const hallWire = await startHallWire({ buses: hall.buses, level }, portBase);
  closers.push(() => hallWire.close());
  const tcp: Record<string, number> = {};
  for (const [i, { name, units }] of TCP_SERVERS.entries()) {
    const port = portBase === 0 ? 0 : portBase + 1 + i;
    const server = await startModbusTcp(devicesOf(hall, units), port, wait);
    closers.push(() => server.close());
    tcp[name] = server.port;
  }
  const pty = await openPty();
  closers.push(() => pty.close());
  return { hall: hallWire, pty, ports: { wire: hallWire.port, tcp, rtu: pty.path } };
}

const devicesOf = (hall: Controlled, units: readonly ModbusUnit[]) =>
  units.map(({ device }) => hall.modbus.get(device)).filter((device) => device !== undefined);

const stateOf = (world: World) =>
  Object.fromEntries([...world.truth].map(([id, read]) => [id, read()]));

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

function makeDevice({ device, unit }: ModbusUnit, profile: Profile, sensors: Sensors) {
  const bank = new RegisterBank(profile, (id) => {
    const text = TEXTS[id];
    if (text !== undefined) return text;
    const point = `${device}.${id}`;
    const value = sensors.fault(point).unplugged ? Number.NaN : sensors.measure(point);
    return Number.isNaN(value) ? null : value;
  });
  const serial = RTU_UNITS.some((other) => other.device === device);
  return Object.assign(new ModbusDevice(device, unit, bank), { serial });
}

/** A contact in a closed loop: 1 when the door is open, the rope wet, or the wire cut. */
function inputLevel(sensors: Sensors, line: number): 0 | 1 | undefined {
  const input = INPUTS.find((candidate) => candidate.line === line);
  if (!input) return undefined;
  if (sensors.fault(input.point).unplugged) return 1;
  return sensors.measure(input.point) === 1 ? 1 : 0;
}

function faultsOf(on: Controlled) {
  const modbus = [...on.modbus].filter(([, device]) => device.fault);
  const buses = [...on.buses].filter(([, bus]) => bus.hung);
  return {
    speed: on.pace.speed,
    sensors: on.sensors.list(),
    hungBuses: buses.map(([name]) => name),
    modbus: Object.fromEntries(modbus.map(([name, device]) => [name, device.fault])),
  };
}

async function runPhysics(on: Controlled, clock: Clock, signal: AbortSignal): Promise<void> {
  let lastMs = clock.monoMs();
  while (!signal.aborted) {
    await clock.sleep(TICK_MS, signal);
    const nowMs = clock.monoMs();
    const passedMs = Math.min(CATCH_UP_MS, nowMs - lastMs);
    lastMs = nowMs;
    if (passedMs > 0 && on.pace.speed > 0) on.world.step((passedMs / 1_000) * on.pace.speed);
  }
}

async function runProbes(
  folder: OneWireFolder,
  sensors: Sensors,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await folder.show(probeTexts(sensors));
    await clock.sleep(PROBE_MS, signal);
  }
}

/** The line ends when we close it; before that, its end is a failure of the room. */
async function runLine(serve: () => Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await serve();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!signal.aborted) throw new Error("The serial line ended by itself");
}
