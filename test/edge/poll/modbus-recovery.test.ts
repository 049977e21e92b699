import { mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import type { Measurement } from "../../../contract/reading.ts";
import { openModbusRtu, openModbusTcp } from "../../../edge/bus/modbus-link.ts";
import type { ModbusLink } from "../../../edge/bus/port.ts";
import { modbusLoop } from "../../../edge/poll/modbus-loop.ts";
import { type Peer, type Question, type Reply, rtuPeer, tcpPeer } from "../bus/modbus-peer.ts";
import { profileOf } from "./modbus-rig.ts";

const DEADLINE_MS = 15_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const answer = ({ count }: Question): Reply => ({ registers: Array(count).fill(42) });

/** A device that can be taken away and put back where it was. */
interface Place {
  open: () => Promise<ModbusLink>;
  peer: Peer;
  putBack: () => Promise<unknown>;
}

async function onTcp(): Promise<Place> {
  const peer = await tcpPeer(answer);
  cleanups.push(() => peer.close());
  const { port } = peer;
  return {
    open: () => openModbusTcp({ host: "127.0.0.1", port, clock: systemClock }),
    peer,
    putBack: async () => {
      const again = await tcpPeer(answer, port);
      cleanups.push(() => again.close());
    },
  };
}

async function onSerial(): Promise<Place> {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-line-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const device = path.join(folder, "line");
  const plugIn = async () => {
    const peer = await rtuPeer(answer);
    cleanups.push(() => peer.close());
    symlinkSync(peer.path, `${device}.new`);
    renameSync(`${device}.new`, device);
    return peer;
  };
  const peer = await plugIn();
  return {
    open: () => openModbusRtu({ device, baud: 115_200, parity: "none", clock: systemClock }),
    peer,
    putBack: plugIn,
  };
}

describe.each([
  ["a TCP server that dies", onTcp],
  ["a serial adapter that is unplugged", onSerial],
])("%s", (_, place) => {
  test("makes its points bad, and is read again by itself when it is back", async () => {
    const { open, peer, putBack } = await place();
    const seen: Measurement[] = [];
    let news = new AbortController();
    const loop = modbusLoop({
      bus: "line",
      open,
      devices: [
        {
          id: "x",
          unit: 1,
          profile: profileOf(["id: v, address: 0, type: u16, quantity: count, label: V"], {
            classes: "normal: 200ms",
            limits: "timeoutMs: 1000, maxResponseMs: 100",
          }),
        },
      ],
      clock: systemClock,
      sink: (samples) => {
        for (const { measurement } of samples) seen.push(measurement);
        news.abort();
      },
      log: pino({ level: "silent" }),
    });
    const wanted = async (found: (measurement: Measurement) => boolean) => {
      const giveUp = systemClock.monoMs() + DEADLINE_MS;
      for (;;) {
        const at = seen.findIndex(found);
        if (at >= 0) return seen.splice(0, at + 1);
        if (systemClock.monoMs() > giveUp) throw new Error(`seen only ${JSON.stringify(seen)}`);
        news = new AbortController();
        await systemClock.sleep(1_000, news.signal);
      }
    };
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    cleanups.push(async () => {
      stop.abort();
      await running;
    });
    await wanted((m) => m.quality === "good");
    expect(loop.health().open).toBe(true);
    await peer.close();
    const bad = await wanted((m) => m.quality === "bad" && m.reason === "bus");
    expect(bad.some((m) => m.quality === "good" && m.value !== 42)).toBe(false);
    await putBack();
    const back = await wanted((m) => m.quality === "good");
    expect(back.at(-1)).toEqual({ quality: "good", value: 42 });
    expect(loop.health()).toMatchObject({ open: true, lastError: null });
  }, 60_000);
});
