import type { ModbusFault } from "../../room/modbus/device.ts";
import type { NodeWorld } from "./world.ts";

export const PROFILE = "eastron-sdm120";
export const METERS = [
  { name: "feed-a", unit: 1 },
  { name: "feed-b", unit: 2 },
];
export const PERIOD_MS = 10_000;
export const DOOR_LINE = 17;

/** The points of the node's own sensors, each published every 10 s. */
export const SENSOR_POINTS = [
  "r1.inlet-top",
  "r1.humidity",
  "r1.inlet-mid",
  "r2.inlet-top",
  "r2.humidity",
  "r2.inlet-mid",
  "r1.exhaust",
];

/** What the faults lay hands on. */
export interface Hands {
  world: NodeWorld;
  stepWall: (ms: number) => void;
  hub: (away: boolean) => Promise<void>;
  meter: (name: string, fault: ModbusFault | null) => void;
}

/** One trouble; `begin` starts it, `end` undoes it. */
export interface Fault {
  name: string;
  /** How long it lasts, at most nine minutes. */
  minutes: number;
  begin: (hands: Hands) => Promise<void> | void;
  end: (hands: Hands) => Promise<void> | void;
}

const meterFault = (name: string, fault: ModbusFault): Omit<Fault, "minutes"> => ({
  name,
  begin: ({ meter }) => meter("feed-b", fault),
  end: ({ meter }) => meter("feed-b", null),
});

/** One begins every ten minutes, in turn: all of them in less than two hours. */
export const FAULTS: readonly Fault[] = [
  {
    name: "SHT31 frames damaged",
    minutes: 5,
    begin: ({ world }) => {
      world.corrupt = true;
    },
    end: ({ world }) => {
      world.corrupt = false;
    },
  },
  { ...meterFault("Modbus unit refuses (4)", { kind: "exception", code: 4 }), minutes: 5 },
  {
    name: "I2C bus stuck",
    minutes: 5,
    begin: ({ world }) => {
      world.stuck = true;
    },
    end: ({ world }) => {
      world.stuck = false;
    },
  },
  {
    name: "hub away",
    minutes: 8,
    begin: ({ hub }) => hub(true),
    end: ({ hub }) => hub(false),
  },
  {
    name: "1-Wire reads are empty",
    minutes: 5,
    begin: ({ world }) => {
      world.oneWireEmpty = true;
    },
    end: ({ world }) => {
      world.oneWireEmpty = false;
    },
  },
  { ...meterFault("Modbus connection cut in each answer", { kind: "close" }), minutes: 2 },
  {
    name: "clock back by 5 s",
    minutes: 1,
    begin: ({ stepWall }) => stepWall(-5_000),
    end: () => {},
  },
  {
    name: "SHT31 unplugged",
    minutes: 5,
    begin: ({ world }) => world.unplug(),
    end: ({ world }) => world.plugIn(),
  },
  {
    ...meterFault("Modbus unit behind the gateway dead", { kind: "exception", code: 11 }),
    minutes: 8,
  },
  { name: "GPIO chip lost", minutes: 1, begin: ({ world }) => world.loseGpio(), end: () => {} },
  {
    name: "clock forward by 2 min",
    minutes: 1,
    begin: ({ stepWall }) => stepWall(120_000),
    end: () => {},
  },
];

/** Instead of the last one, every twelve hours: the package waits for it in real time. */
export const SLOW_FAULT: Fault = {
  ...meterFault("Modbus unit silent", { kind: "silent" }),
  minutes: 1,
};
