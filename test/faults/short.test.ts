import { expect, test } from "vitest";
import { campaign } from "./campaign.ts";

const CHOSEN_SEED = process.env.PLENUM_SEED;
const RANDOM_SEED = Number(CHOSEN_SEED ?? Math.floor(Math.random() * 1_000_000));
const RUNS = [
  { seed: 42, store: "influx", broker: "mosquitto" },
  { seed: RANDOM_SEED, store: "sqlite", broker: "embedded" },
] as const;
const FAULTS_MS = 12_000;

for (const { seed, store, broker } of RUNS)
  test(`what was spooled is stored once after 12 s of faults, seed ${seed} on ${store} behind ${broker}`, async () => {
    const lines: string[] = [];
    const outcome = await campaign({
      ...{ seed, store, broker, crowd: 10, faultsMs: FAULTS_MS, restMs: [0, 1_000] },
      say: (line) => lines.push(line),
    });
    const total = Object.values(outcome.faults).reduce((sum, count) => sum + count, 0);
    const { rows, events } = outcome.figures;
    process.stdout.write(
      `faults: seed ${seed}, ${store}, ${broker}: ${total} faults, ${rows} rows, ${events} events\n`,
    );
    expect(outcome.problems, lines.join("\n")).toEqual([]);
    expect(Number(rows), "rows spooled and stored").toBeGreaterThan(1_000);
  });
