import type { Clock } from "../../contract/clock.ts";
import type { Parts } from "../config/edge-config.ts";
import type { BusConfig } from "../config/schema.ts";
import { EXPANDERS } from "../drivers/index.ts";
import type { LineChip } from "../drivers/line-chip.ts";
import { loopLines } from "../drivers/loop-lines.ts";
import { i2cLines } from "./i2c-lines.ts";
import { muxedBuses } from "./i2c-mux.ts";
import { type SharedI2c, sharedI2c } from "./i2c-shared.ts";
import type { GpioPort, I2cPort, Level } from "./port.ts";

type Bus<T extends BusConfig["type"]> = Extract<BusConfig, { type: T }>;
export type ChipBus = Bus<"i2c" | "i2c-mux">;
export type LineBus = Bus<"i2c-gpio" | "i2c-loops">;

/** Every I2C bus of a node and what hangs behind it: each is opened once, however many loops use it. */
export interface I2cTree {
  chips(bus: ChipBus): Promise<I2cPort>;
  lines(bus: LineBus): Promise<GpioPort>;
}

export function i2cTree(deps: {
  config: Pick<Parts, "buses" | "doors" | "inputs" | "outputs">;
  open: (bus: Bus<"i2c">) => Promise<I2cPort>;
  /** Frees a bus that a slave holds; none where nobody said how. */
  recover?: (bus: Bus<"i2c">) => Promise<void>;
  clock: Clock;
}): I2cTree {
  const { config, open, recover, clock } = deps;
  const roots = new Map<string, SharedI2c>();
  const muxes = new Map<string, (channel: number) => Promise<I2cPort>>();
  const expanders = new Map<string, () => Promise<GpioPort>>();

  const root = (id: string): SharedI2c => {
    const bus = config.buses.find((other) => other.id === id);
    if (bus?.type !== "i2c") throw new Error(`I2C bus ${id} vanished after the check`);
    const free = bus.recover && recover ? { recover: () => recover(bus) } : {};
    return made(roots, id, () => sharedI2c({ open: () => open(bus), ...free }));
  };
  const chips = (bus: ChipBus): Promise<I2cPort> => {
    if (bus.type === "i2c") return root(bus.id).open();
    const { bus: on, address, channel } = bus;
    return made(muxes, `${on} ${address}`, () => muxedBuses({ bus: root(on), address }))(channel);
  };
  const parent = (id: string): ChipBus => {
    const bus = config.buses.find((other) => other.id === id);
    if (bus?.type === "i2c" || bus?.type === "i2c-mux") return bus;
    throw new Error(`bus ${id} vanished after the check`);
  };
  return {
    chips,
    lines: (bus) =>
      made(expanders, bus.id, () =>
        i2cLines({
          open: () => chips(parent(bus.bus)),
          chip: chipOf(bus, config),
          address: bus.address,
          everyMs: bus.every,
          outputs: safeLevels(bus.id, config),
          clock,
        }),
      )(),
  };
}

function chipOf(bus: LineBus, { doors, inputs }: Pick<Parts, "doors" | "inputs">): () => LineChip {
  if (bus.type === "i2c-gpio") return EXPANDERS[bus.chip];
  const used = [...doors, ...inputs].filter((contact) => contact.bus === bus.id);
  return () => loopLines({ ...bus, lines: [...new Set(used.map(({ line }) => line))] });
}

/** The level each output shows in its safe state. */
function safeLevels(bus: string, { outputs }: Pick<Parts, "outputs">): Map<number, Level> {
  const own = outputs.filter((output) => output.bus === bus);
  return new Map(
    own.map(({ line, active, safe }) => [line, (safe === "on") === (active === "high") ? 1 : 0]),
  );
}

function made<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}
