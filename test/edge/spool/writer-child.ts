import { pino } from "pino";
import { systemClock } from "../../../contract/clock.ts";
import { openSpool } from "../../../edge/spool/open.ts";

/** Commits as fast as it can and prints, after each commit, the highest row that is now safe. Killed from outside. */
const path = process.argv[2];
if (!path) throw new Error("usage: writer-child <spool file>");
const taken = { monoMs: 0, synced: true };
const spool = openSpool({
  path,
  quotaBytes: 1e9,
  bootId: "boot-1",
  clock: systemClock,
  log: pino({ level: "silent" }),
  taken,
});
for (let value = spool.last + 1; ; ) {
  for (let i = 0; i < 20; i += 1, value += 1)
    spool.addReading({ point: "p.0", at: value, quality: "good", value }, taken);
  spool.commit();
  if (value % 7 === 0) spool.ack(spool.epoch, spool.floor + 5);
  process.stdout.write(`${JSON.stringify({ last: spool.last, floor: spool.floor })}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
