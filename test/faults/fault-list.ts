import type { Random } from "../room/random.ts";
import type { Flow } from "./cable.ts";
import { CROWD, EDGE, type FaultSite, passing, SMALL } from "./fault-site.ts";
import { PacketLoss } from "./packet-loss.ts";
import { storm } from "./storm.ts";

export const KINDS = [
  "kill",
  "pause",
  "swizzle",
  "disk-full",
  "disk-fails",
  "link",
  "outage",
  "packet-loss",
  "clock",
  "storm",
] as const;
export type Kind = (typeof KINDS)[number];

/** One thing that goes wrong and is put right again. */
export interface Fault {
  kind: Kind;
  /** As it is printed; with the seed it can be found again. */
  text: string;
  /** What no other fault may touch meanwhile; `*` is everything. */
  holds: readonly string[];
  run(): Promise<void>;
}

const FLOWS: [string, { up: Flow; down: Flow }][] = [
  ["stands still", { up: "still", down: "still" }],
  ["is half-open, nothing to the server", { up: "still", down: "free" }],
  ["is half-open, nothing from the server", { up: "free", down: "still" }],
  ["is 250 ms late", { up: "late", down: "late" }],
  ["trickles", { up: "trickle", down: "trickle" }],
];
/** Bytes of disk left: none, too little for readings, too little for the whole spool. */
const LEFT_MB = [0, 8, 40] as const;
const LOSS_PERCENT = 20;
const CLOCK_STEPS_S = [-400, -90, -3, 3, 90, 400] as const;

/**
 * Faults without end: every kind once in random order, then again. All chance is taken when a fault is
 * drawn, so that the same seed gives the same faults.
 */
export function* drawFaults(
  site: FaultSite,
  random: Random,
  kinds: readonly Kind[],
): Generator<Fault, never> {
  const draw = new Draw(random);
  for (;;) {
    const order = kinds.map((kind) => ({ kind, key: random.next() }));
    for (const { kind } of order.sort((a, b) => a.key - b.key)) yield MAKERS[kind](site, draw);
  }
}

/** Which kinds this machine and this user can do. */
export function possibleKinds(site: FaultSite): Kind[] {
  const can: Record<Kind, boolean> = {
    ...{ kill: true, pause: true, swizzle: true, link: true, outage: true, storm: true },
    "disk-full": site.disks.size > 0,
    "disk-fails": site.disks.size > 0,
    "packet-loss": PacketLoss.available(),
    clock: [...site.services.values()].some(({ hasClock }) => hasClock),
  };
  return KINDS.filter((kind) => can[kind]);
}

class Draw {
  constructor(private readonly random: Random) {}
  one<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random.next() * items.length)];
    if (item === undefined) throw new Error("Nothing to draw from.");
    return item;
  }
  ms(from: number, to: number): number {
    return Math.round(from + this.random.next() * (to - from));
  }
}

const MAKERS: Record<Kind, (site: FaultSite, draw: Draw) => Fault> = {
  kill(site, draw) {
    const target = draw.one(killable(site));
    const downMs = draw.ms(100, 4_000);
    return {
      kind: "kill",
      text: `kill -9 ${target}, down ${downMs} ms`,
      holds: [target],
      async run() {
        await site.service(target).hold();
        await passing(downMs);
        site.service(target).start();
      },
    };
  },
  pause(site, draw) {
    const target = draw.one(killable(site));
    const ms = draw.ms(1_000, 6_000);
    return {
      kind: "pause",
      text: `pause ${target} for ${ms} ms`,
      holds: [target],
      async run() {
        site.service(target).pause();
        await passing(ms);
        site.service(target).resume();
      },
    };
  },
  swizzle(site, draw) {
    const there = (name: string) => site.services.has(name);
    // What holds rows between a node's spool and the disk they end on, and one more.
    const stops = ["hub", "influxd", draw.one(["mosquitto", EDGE, "node-a"].filter(there))]
      .filter(there)
      .map((name) => ({
        ...{ name, how: draw.one(["kill", "kill", "pause"] as const) },
        ...{ atMs: draw.ms(0, 2_000), backMs: draw.ms(2_000, 5_000) },
      }));
    return {
      kind: "swizzle",
      text: stops
        .map(({ name, how, atMs, backMs }) => `${how} ${name} ${atMs}–${backMs} ms`)
        .join(", "),
      holds: stops.map(({ name }) => name),
      run: () => together(stops.map((stop) => stopped(site, stop))),
    };
  },
  "disk-full"(site, draw) {
    const target = draw.one([...site.disks.keys()]);
    const leftMb = draw.one(LEFT_MB);
    const ms = draw.ms(2_000, 6_000);
    return {
      kind: "disk-full",
      text: `disk of ${target} full but for ${leftMb} MB for ${ms} ms`,
      holds: [target],
      async run() {
        site.disk(target).fill(leftMb);
        await passing(ms);
        site.disk(target).free();
      },
    };
  },
  "disk-fails"(site, draw) {
    const target = draw.one([...site.disks.keys()]);
    const ms = draw.ms(1_000, 5_000);
    return {
      kind: "disk-fails",
      text: `disk of ${target} becomes read-only for ${ms} ms, mended, ${target} killed for it`,
      holds: [target],
      async run() {
        site.disk(target).fail();
        await passing(ms);
        await site.service(target).hold();
        await site.disk(target).mend();
        site.service(target).start();
      },
    };
  },
  link(site, draw) {
    const target = draw.one([...site.links.keys()]);
    const how = draw.one([0, 1, 2, 3, 4, 5, 6]);
    const ms = draw.ms(1_000, 6_000);
    const flow = FLOWS[how];
    const link = site.link(target);
    return {
      kind: "link",
      text: flow
        ? `cable of ${target} ${flow[0]} for ${ms} ms, then is reset`
        : `cable of ${target} ${how === 5 ? "reset" : "cut"}`,
      holds: [`link ${target}`],
      async run() {
        if (!flow) link.cut(how === 5 ? "reset" : "end");
        else {
          link.set(flow[1]);
          await passing(ms);
          link.cut("reset");
          link.free();
        }
      },
    };
  },
  outage(site, draw) {
    const target = draw.one([SMALL, SMALL, EDGE]);
    const ms = draw.ms(8_000, 14_000);
    return {
      kind: "outage",
      text: `${target} cut off for ${ms} ms`,
      holds: [`link ${target}`],
      async run() {
        site.link(target).refuse();
        await passing(ms);
        site.link(target).free();
      },
    };
  },
  "packet-loss"(site, draw) {
    const ms = draw.ms(3_000, 8_000);
    const loss = new PacketLoss(site.place.folder);
    return {
      kind: "packet-loss",
      text: `${LOSS_PERCENT} % of all packets lost for ${ms} ms`,
      holds: ["packets"],
      async run() {
        loss.start(site.ports, LOSS_PERCENT);
        await passing(ms).finally(() => loss.stop());
      },
    };
  },
  clock(site, draw) {
    const able = [...site.services.values()].filter(({ hasClock }) => hasClock);
    const target = draw.one(able);
    const stepS = draw.one(CLOCK_STEPS_S);
    const ms = draw.ms(3_000, 8_000);
    return {
      kind: "clock",
      text: `clock of ${target.name} steps by ${stepS} s for ${ms} ms`,
      holds: [`clock ${target.name}`],
      async run() {
        target.setClock(stepS);
        await passing(ms);
        target.setClock(0);
      },
    };
  },
  storm(site, draw) {
    const how = draw.one(["cable", "hub"] as const);
    const ms = draw.ms(500, 4_000);
    return {
      kind: "storm",
      text: `all ${site.size.crowd} of the crowd come back at once, after ${how === "hub" ? "a kill of the hub" : "a cut"} of ${ms} ms`,
      holds: ["*"],
      run: () => storm(site, how, ms),
    };
  },
};

function killable(site: FaultSite): string[] {
  const names = [...site.services.keys()].filter((name) => name !== "room" && name !== CROWD);
  // The crowd has its own fault; the room is what the sensors are.
  return [...names, CROWD];
}

interface Stop {
  name: string;
  how: "kill" | "pause";
  atMs: number;
  backMs: number;
}

async function stopped(site: FaultSite, { name, how, atMs, backMs }: Stop): Promise<void> {
  const service = site.service(name);
  await passing(atMs);
  if (how === "kill") await service.hold();
  else service.pause();
  await passing(backMs - atMs);
  if (how === "kill") service.start();
  else service.resume();
}

async function together(works: readonly Promise<void>[]): Promise<void> {
  await Promise.all(works);
}
