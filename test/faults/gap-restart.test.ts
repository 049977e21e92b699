import { expect, test } from "vitest";
import type { NodeEvent } from "../../contract/message.ts";
import type { SqliteSpool } from "../../edge/spool/sqlite-spool.ts";
import { SYNCED, TempSpool } from "../edge/spool/temp-spool.ts";

const LOST_BY_ONE_TRIM = 200;

test("readings lost in 2 lives of a node, with no acknowledgement between, are declared once: 400, not 600", () => {
  const temp = new TempSpool();
  // As the hub records them: what was sent stays, whatever the node does afterwards.
  const declared = new Map<number, number>();
  for (const life of [0, 1]) {
    const spool = temp.open({ quotaBytes: 40_000 });
    for (let n = 0; n < 600; n += 1)
      spool.addReading({ point: "p.0", at: life * 600 + n, quality: "good", value: n }, SYNCED);
    spool.commit();
    spool.trim({ now: 1_200, taken: SYNCED, freeBytes: 1e12 });
    for (const [seq, count] of gapsSent(spool)) declared.set(seq, count);
    spool.close();
  }
  temp.remove();
  const total = [...declared.values()].reduce((sum, count) => sum + count, 0);
  expect(total).toBe(2 * LOST_BY_ONE_TRIM);
});

function gapsSent(spool: SqliteSpool): [number, number][] {
  const gaps: [number, number][] = [];
  let batch = spool.batch(spool.floor, 250);
  for (; batch; batch = spool.batch(batch.next, 250))
    for (const row of batch.rows) {
      if ("skip" in row || row.kind === "reading") continue;
      const { event } = JSON.parse(row.payload) as { event: NodeEvent };
      if (event.what === "gap") gaps.push([row.seq, event.count ?? 0]);
    }
  return gaps;
}
