import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { KINDS, type Kind } from "./fault-list.ts";
import type { BrokerKind, StoreKind } from "./settings.ts";
import { sweep } from "./workplace.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Math.random() * 1_000_000)) },
    minutes: { type: "string", default: "10" },
    store: { type: "string", default: "influx" },
    broker: { type: "string", default: "embedded" },
    crowd: { type: "string", default: "100" },
    only: { type: "string" },
  },
});
const seed = whole("seed", values.seed, 0);
const minutes = Number(values.minutes);
if (!(minutes > 0)) stop(`--minutes is "${values.minutes}"; allowed: a number above 0`);
const store = oneOf<StoreKind>("store", values.store, ["influx", "sqlite"]);
const broker = oneOf<BrokerKind>("broker", values.broker, ["embedded", "mosquitto"]);
const crowd = whole("crowd", values.crowd, 1);
const kinds = values.only?.split(",").map((kind) => oneOf<Kind>("only", kind, KINDS));

for (const name of sweep()) say(`removed what ${name} had left`);
say(`faults: seed ${seed}, ${minutes} min, store ${store}, broker ${broker}`);
const outcome = await campaign({
  ...{ seed, store, broker, crowd, say, restMs: [500, 4_000] },
  faultsMs: minutes * 60_000,
  ...(kinds && { kinds }),
});
const total = Object.values(outcome.faults).reduce((sum, count) => sum + count, 0);
say(`${total} faults: ${JSON.stringify(outcome.faults)}`);
say(JSON.stringify({ seed, minutes, store, broker, faults: total, ...outcome.figures }));
for (const problem of outcome.problems) say(`BROKEN: ${problem}`);
say(outcome.problems.length === 0 ? "every promise kept" : `seed ${seed} breaks a promise`);
process.exit(outcome.problems.length === 0 ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function whole(name: string, text: string | undefined, least: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least)
    stop(`--${name} is "${text}"; allowed: a whole number from ${least}`);
  return number;
}

function oneOf<T extends string>(name: string, text: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  return found ?? stop(`--${name} is "${text}"; allowed: ${allowed.join(", ")}`);
}

function stop(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
