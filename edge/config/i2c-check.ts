import { DRIVERS } from "../drivers/index.ts";
import type { Placed } from "./placed.ts";
import { type BusConfig, EXPANDER_LINES, LOOP_LINES } from "./schema.ts";
import { type Path, pathText } from "./source.ts";

/** A chip's place on the I2C buses of a node. */
interface Occupant {
  bus: string;
  address: number;
  path: Path;
}

/** What the checks of single entries offer. */
export interface BusChecks {
  onBus(bus: string | undefined, types: BusConfig["type"][], at: Path): void;
  /** Reports a second claim; false when somebody else was first. */
  claim(what: string, value: string | number | undefined, at: Path): boolean;
  report(at: Path, message: string): void;
}

export const hexAddress = (address: number) => `0x${address.toString(16).padStart(2, "0")}`;

/** A multiplexer's channel or an expander: where it hangs, and that nothing else answers there. */
export function checkI2cBus({ value, path }: Placed, known: Set<string>, checks: BusChecks): void {
  const { type, bus, address, channel, chip } = value;
  if (type === "i2c-mux") {
    checks.onBus(bus, ["i2c"], [...path, "bus"]);
    if (bus === undefined || address === undefined) return;
    const mux = `${bus} ${hexAddress(address)}`;
    // Each of its channels is a bus of its own; the multiplexer itself is one chip.
    if (!known.has(mux))
      checks.claim(`address on bus ${bus}`, hexAddress(address), [...path, "address"]);
    known.add(mux);
    checks.claim(`channel of the multiplexer ${mux}`, channel, [...path, "channel"]);
    return;
  }
  if (type !== "i2c-gpio" && type !== "i2c-loops") return;
  checks.onBus(bus, ["i2c", "i2c-mux"], [...path, "bus"]);
  if (address === undefined) return;
  const addresses = chip === undefined ? undefined : DRIVERS.get(chip)?.addresses;
  if (addresses && !addresses.includes(address))
    checks.report(
      [...path, "address"],
      `${hexAddress(address)} is not an address of a chip of this kind: ${chip} answers at ${ranges(addresses)}`,
    );
  if (bus !== undefined)
    checks.claim(`address on bus ${bus}`, hexAddress(address), [...path, "address"]);
}

/** Chips that would answer at the same time: one on a channel, and one on the bus the multiplexer is on. */
export function checkCollisions(
  parts: { buses: readonly Placed[]; devices: readonly Placed[] },
  checks: Pick<BusChecks, "report">,
): void {
  const parents = new Map(
    parts.buses.flatMap(({ value: { id, type, bus } }) =>
      type === "i2c-mux" && id !== undefined && bus !== undefined ? [[id, bus] as const] : [],
    ),
  );
  const chips = [...parts.buses, ...parts.devices].flatMap(occupant);
  for (const chip of chips) {
    const parent = parents.get(chip.bus);
    const rival = chips.find(
      (other) => other.bus === parent && other.address === chip.address && parent !== undefined,
    );
    if (rival)
      checks.report(
        chip.path,
        `${hexAddress(chip.address)} also answers on ${parent} itself (${pathText(rival.path)}), which hears all that is said to channel ${chip.bus}; give one of them another address, or a channel of its own`,
      );
  }
}

function occupant({ value, path }: Placed): Occupant[] {
  const { bus, address } = value;
  if (bus === undefined || address === undefined) return [];
  return [{ bus, address, path: [...path, "address"] }];
}

/** How many lines a bus of this type has, and what to call them; undefined where any number may be. */
export function linesOf({
  type,
  chip,
}: Placed["value"]): { count: number; names: string } | undefined {
  if (type === "i2c-loops") return { count: LOOP_LINES, names: "0–3 for A0–A3" };
  if (type !== "i2c-gpio") return undefined;
  if (chip === "pcf8574") return { count: EXPANDER_LINES.pcf8574, names: "0–7 for P0–P7" };
  return { count: EXPANDER_LINES.mcp23017, names: "0–7 for A0–A7 and 8–15 for B0–B7" };
}

function ranges(addresses: readonly number[]): string {
  const runs: number[][] = [];
  for (const address of addresses) {
    const run = runs.at(-1);
    if (run?.at(-1) === address - 1) run.push(address);
    else runs.push([address]);
  }
  return runs
    .map((run) => `${hexAddress(run[0] ?? 0)}–${hexAddress(run.at(-1) ?? 0)}`)
    .join(" or ");
}
