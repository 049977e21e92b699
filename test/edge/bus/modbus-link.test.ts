import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { openModbusRtu, openModbusTcp } from "../../../edge/bus/modbus-link.ts";
import type { ModbusLink } from "../../../edge/bus/port.ts";
import { FakeClock } from "../../fake-clock.ts";
import { vectorsOf } from "../vectors.ts";
import { until } from "./line-server.ts";
import { crc16, type Peer, type Question, type Reply, rtuPeer, tcpPeer } from "./modbus-peer.ts";

/** Long, for what will answer: the machine may be busy. */
const TIMEOUT_MS = 3_000;
/** Short, for what will not. */
const SOON_MS = 150;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Rig {
  link: ModbusLink;
  peer: Peer;
  reopen: () => Promise<ModbusLink>;
}

async function tcpRig(device: (question: Question) => Reply): Promise<Rig> {
  const peer = await tcpPeer(device);
  cleanups.push(() => peer.close());
  const reopen = async () => {
    const link = await openModbusTcp({ host: "127.0.0.1", port: peer.port, clock: systemClock });
    cleanups.push(() => link.close());
    return link;
  };
  return { link: await reopen(), peer, reopen };
}

async function rtuRig(device: (question: Question) => Reply): Promise<Rig> {
  const peer = await rtuPeer(device);
  cleanups.push(() => peer.close());
  const line = { device: peer.path, baud: 115_200, parity: "none", clock: systemClock } as const;
  const reopen = async () => {
    const link = await openModbusRtu(line);
    cleanups.push(() => link.close());
    return link;
  };
  return { link: await reopen(), peer, reopen };
}

const registers = (address: number, count: number, unit = 1) =>
  ({ unit, fc: 3, address, count, timeoutMs: TIMEOUT_MS }) as const;
const unanswered = (address: number) => ({ ...registers(address, 1), timeoutMs: SOON_MS });

describe.each([
  ["TCP", tcpRig],
  ["RTU", rtuRig],
])("Modbus link over %s", (_, rig) => {
  test("reads registers and bits of several units", async () => {
    const { link, peer } = await rig(({ unit, fc, address, count }) =>
      fc <= 2
        ? { bits: Array.from({ length: count }, (_, i) => (address + i) % 3 === 0) }
        : { registers: Array.from({ length: count }, (_, i) => unit * 1_000 + address + i) },
    );
    expect([...(await link.readRegisters(registers(5, 3)))]).toEqual([1_005, 1_006, 1_007]);
    expect([...(await link.readRegisters({ ...registers(0, 1, 9), fc: 4 }))]).toEqual([9_000]);
    expect(await link.readBits({ ...registers(9, 4), fc: 2 })).toEqual([true, false, false, true]);
    expect(peer.questions.map(({ fc }) => fc)).toEqual([3, 4, 2]);
  });

  test.each([
    [1, "refused"],
    [2, "unsupported"],
    [4, "refused"],
    [6, "refused"],
    [11, "no-answer"],
  ])("exception %i is a reason of its own: %s", async (exception, reason) => {
    const { link } = await rig(() => ({ exception }));
    const read = link.readRegisters(registers(0, 2));
    await expect(read).rejects.toMatchObject({ code: exception, reason });
  });

  test("a silent unit is no answer, and the next one still answers", async () => {
    const { link } = await rig(({ unit }) => (unit === 1 ? { silent: true } : { registers: [7] }));
    await expect(link.readRegisters(unanswered(0))).rejects.toMatchObject({ reason: "no-answer" });
    await link.drain(10);
    expect([...(await link.readRegisters(registers(0, 1, 2)))]).toEqual([7]);
  });

  test("answers two questions asked at once in order", async () => {
    const { link } = await rig(({ address }) => ({ registers: [address] }));
    const both = await Promise.all([
      link.readRegisters(registers(11, 1)),
      link.readRegisters(registers(22, 1)),
    ]);
    expect(both.map((words) => words[0])).toEqual([11, 22]);
  });

  test("accepts an answer that comes in pieces", async () => {
    const { link } = await rig(() => ({
      raw: (frame) => [frame.subarray(0, 3), frame.subarray(3)],
    }));
    expect([...(await link.readRegisters(registers(0, 1)))]).toEqual([1]);
  });

  test("a line that goes away is a bus fault, for this call and every later one", async () => {
    const { link, peer } = await rig(() => ({ registers: [1] }));
    expect([...(await link.readRegisters(registers(0, 1)))]).toEqual([1]);
    peer.cut();
    const fate = async () => {
      const reason = (error: unknown) => Reflect.get(error as object, "reason");
      return link.readRegisters(registers(0, 1)).then(() => "good", reason);
    };
    let last = "";
    const giveUp = Date.now() + 5_000;
    while (last !== "bus" && Date.now() < giveUp) last = await fate();
    expect(last).toBe("bus");
    expect(await fate()).toBe("bus");
  });

  test("closes in time, also twice, and can be opened again", async () => {
    const { link, reopen } = await rig(() => ({ registers: [3] }));
    await link.close();
    await link.close();
    await expect(link.readRegisters(registers(0, 1))).rejects.toMatchObject({ reason: "bus" });
    expect([...(await (await reopen()).readRegisters(registers(0, 1)))]).toEqual([3]);
  });
});

describe("an RTU line", () => {
  /** Registers hold their own address; the first question is answered too late. */
  const lateOnce = () => {
    let asked = 0;
    return ({ address }: Question): Reply => {
      asked += 1;
      return asked === 1 ? { later: [address] } : { registers: [address] };
    };
  };

  test("never takes a late answer for the answer to the next question", async () => {
    const { link, peer } = await rtuRig(({ address }) => ({ later: [address] }));
    const first = link.readRegisters(unanswered(1_111));
    await expect(first).rejects.toMatchObject({ reason: "no-answer" });
    await until(() => peer.questions.length === 1);
    const second = link.readRegisters({ ...registers(2_222, 1), timeoutMs: 1_000 });
    // The late frame comes while the next question waits for its answer, if it was sent at once.
    await Promise.race([until(() => peer.questions.length === 2), systemClock.sleep(60)]);
    peer.flush();
    await until(() => peer.questions.length === 2);
    peer.flush();
    expect([...(await second)]).toEqual([2_222]);
  });

  test("does not glue the rest of a broken answer to the next one", async () => {
    let asked = 0;
    const { link } = await rtuRig(({ address }) => {
      asked += 1;
      return asked === 1 ? { raw: (frame) => [frame.subarray(0, 4)] } : { registers: [address] };
    });
    await expect(link.readRegisters(unanswered(1))).rejects.toThrow("no answer");
    await link.drain(50);
    expect([...(await link.readRegisters(registers(2, 1)))]).toEqual([2]);
  });

  test("throws away what arrives while it drains", async () => {
    const { link, peer } = await rtuRig(lateOnce());
    await expect(link.readRegisters(unanswered(1_111))).rejects.toThrow("no answer");
    await until(() => peer.questions.length === 1);
    const drained = link.drain(100);
    peer.flush();
    await drained;
    expect([...(await link.readRegisters(registers(2_222, 1)))]).toEqual([2_222]);
  });

  test("finds its answer behind noise", async () => {
    const noise = Buffer.from([0xff, 0x00, 0xa5]);
    const { link } = await rtuRig(() => ({ raw: (frame) => [Buffer.concat([noise, frame])] }));
    expect([...(await link.readRegisters(registers(0, 1)))]).toEqual([1]);
  });

  test("a damaged frame is a checksum fault", async () => {
    const spoil = (frame: Buffer) => {
      frame[3] = (frame[3] ?? 0) ^ 0x40;
      return [frame];
    };
    const { link } = await rtuRig(() => ({ raw: spoil }));
    const read = link.readRegisters(registers(0, 1));
    await expect(read).rejects.toMatchObject({ reason: "checksum" });
  });

  test("a device that is not there is a bus fault", async () => {
    const line = { device: "/dev/tty-none", baud: 9_600, parity: "none" } as const;
    const opening = openModbusRtu({ ...line, clock: systemClock });
    await expect(opening).rejects.toMatchObject({ reason: "bus" });
  });
});

describe("a TCP connection", () => {
  test("ignores an answer to another question", async () => {
    let asked = 0;
    const { link } = await tcpRig(() => {
      asked += 1;
      const wrong = (frame: Buffer) => {
        frame.writeUInt16BE(frame.readUInt16BE(0) + 1, 0);
        return [frame];
      };
      return asked === 1 ? { raw: wrong } : { registers: [5] };
    });
    await expect(link.readRegisters(unanswered(0))).rejects.toMatchObject({ reason: "no-answer" });
    expect([...(await link.readRegisters(registers(0, 1)))]).toEqual([5]);
  });

  test("survives half a frame and a reset in mid-answer", async () => {
    const { link, peer, reopen } = await tcpRig(() => ({ raw: (frame) => [frame.subarray(0, 7)] }));
    const read = link.readRegisters(registers(0, 1));
    const verdict = expect(read).rejects.toThrow();
    await until(() => peer.questions.length === 1);
    peer.cut();
    await verdict;
    await (await reopen()).close();
  });

  test("that nobody accepts is a bus fault", async () => {
    const { peer, link } = await tcpRig(() => ({ registers: [1] }));
    await link.close();
    await peer.close();
    const port = (peer as Peer & { port: number }).port;
    const opening = openModbusTcp({ host: "127.0.0.1", port, clock: systemClock });
    await expect(opening).rejects.toMatchObject({ reason: "bus" });
    cleanups.splice(0);
  });
});

test("a call that the package never ends is ended by the link, which is dead from then on", async () => {
  const peer = await tcpPeer(() => ({ silent: true }));
  cleanups.push(() => peer.close());
  const clock = new FakeClock();
  const link = await openModbusTcp({ host: "127.0.0.1", port: peer.port, clock });
  cleanups.push(() => link.close());
  // Long, for the package's own timer; the link's clock runs ahead of it.
  const read = link.readRegisters({ ...registers(0, 1), timeoutMs: 60_000 });
  const verdict = expect(read).rejects.toMatchObject({
    reason: "bus",
    message: expect.stringContaining("never came back"),
  });
  await until(() => peer.questions.length === 1);
  await clock.advance(62_000);
  await verdict;
  await expect(link.readRegisters(registers(0, 1))).rejects.toMatchObject({ reason: "bus" });
});

describe("a TCP peer that fell silent", () => {
  test("is connected anew after two unanswered questions, and answers again", async () => {
    let dead = true;
    const { link, peer } = await tcpRig(({ address }) =>
      dead ? { silent: true } : { registers: [address] },
    );
    for (const address of [1, 2])
      await expect(link.readRegisters(unanswered(address))).rejects.toThrow("no answer");
    expect(peer.connections()).toBe(1);
    dead = false;
    expect([...(await link.readRegisters(registers(3, 1)))]).toEqual([3]);
    expect(peer.connections()).toBe(2);
  });

  test("keeps its connection while another unit behind it answers", async () => {
    const { link, peer } = await tcpRig(({ unit }) =>
      unit === 1 ? { silent: true } : { registers: [7] },
    );
    for (let i = 0; i < 3; i += 1) {
      await expect(link.readRegisters(unanswered(i))).rejects.toThrow("no answer");
      expect([...(await link.readRegisters(registers(0, 1, 2)))]).toEqual([7]);
    }
    expect(peer.connections()).toBe(1);
  });

  test("that is gone for good is a bus fault", async () => {
    const { link, peer } = await tcpRig(() => ({ silent: true }));
    for (const address of [1, 2])
      await expect(link.readRegisters(unanswered(address))).rejects.toThrow("no answer");
    await peer.close();
    await expect(link.readRegisters(unanswered(3))).rejects.toMatchObject({ reason: "bus" });
    cleanups.splice(0, 1);
  });
});

test("frames on a serial line are 3.5 characters apart at least, also right after an answer", async () => {
  const peer = await rtuPeer(() => ({ registers: [1] }));
  cleanups.push(() => peer.close());
  const line = { device: peer.path, baud: 1_200, parity: "even" } as const;
  const link = await openModbusRtu({ ...line, clock: systemClock });
  cleanups.push(() => link.close());
  for (let i = 0; i < 5; i += 1) await link.readRegisters(registers(i, 1));
  const gaps = peer.frames.slice(1).map(({ atMs }, i) => atMs - (peer.frames[i]?.atMs ?? 0));
  for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual((3.5 * 11 * 1_000) / 1_200);
});

test("a slow line adds the time of its frames to a device's time to answer", async () => {
  const peer = await rtuPeer(() => ({ silent: true }));
  cleanups.push(() => peer.close());
  const line = { device: peer.path, baud: 1_200, parity: "none" } as const;
  const link = await openModbusRtu({ ...line, clock: systemClock });
  cleanups.push(() => link.close());
  const started = performance.now();
  const read = link.readRegisters({ ...registers(0, 20), timeoutMs: 50 });
  await expect(read).rejects.toMatchObject({ reason: "no-answer" });
  // 8 + 45 bytes of 10 bits at 1200 baud are 442 ms.
  expect(performance.now() - started).toBeGreaterThanOrEqual(490);
});

describe("whole frames from public examples", () => {
  interface Frame {
    crcOk?: boolean;
    unit?: number;
    fc: 3 | 4;
    address?: number;
    count?: number;
    registers?: number[];
    exception?: number;
    transaction?: number;
  }

  test.each(vectorsOf("modbus-rtu-frame"))("$id over RTU", async ({ input, expected }) => {
    const bytes = Buffer.from(String(input), "hex");
    const frame = expected as unknown as Frame;
    const sound = crc16(bytes.subarray(0, -2)) === bytes.readUInt16LE(bytes.length - 2);
    expect(sound).toBe(frame.crcOk ?? true);
    const unit = bytes[0] ?? 0;
    const { link, peer } = await rtuRig(({ count }) =>
      frame.count === undefined ? { raw: () => [bytes] } : { registers: Array(count).fill(0) },
    );
    const ask = (fc: 3 | 4, address: number, count: number, timeoutMs = TIMEOUT_MS) =>
      link.readRegisters({ unit, fc, address, count, timeoutMs });
    if (frame.count !== undefined) {
      await ask(frame.fc, frame.address ?? 0, frame.count);
      expect(peer.frames[0]?.bytes.equals(bytes)).toBe(true);
    } else if (frame.registers) {
      expect([...(await ask(frame.fc, 0, frame.registers.length))]).toEqual(frame.registers);
    } else if (frame.exception) {
      await expect(ask(frame.fc, 0, 1)).rejects.toMatchObject({ code: frame.exception });
    } else await expect(ask(4, 0, 1, SOON_MS)).rejects.toThrow(/CRC|no answer/);
  });

  test.each(vectorsOf("modbus-tcp-frame"))("$id over TCP", async ({ input, expected }) => {
    const bytes = Buffer.from(String(input), "hex");
    const frame = expected as unknown as Frame;
    const { link, peer } = await tcpRig(({ count }) =>
      frame.exception
        ? // Only the number of the question is this connection's own.
          { raw: (own) => [Buffer.concat([own.subarray(0, 2), bytes.subarray(2)])] }
        : { registers: Array(count).fill(0) },
    );
    const fc = (bytes[7] ?? 0) & 0x7f;
    const read = link.readRegisters({
      unit: frame.unit ?? 0,
      fc: fc === 4 ? 4 : 3,
      address: frame.address ?? 0,
      count: frame.count ?? 1,
      timeoutMs: TIMEOUT_MS,
    });
    if (frame.exception) {
      await expect(read).rejects.toMatchObject({ code: frame.exception });
      return;
    }
    await read;
    expect(peer.frames[0]?.bytes.subarray(2).equals(bytes.subarray(2))).toBe(true);
    expect(peer.frames[0]?.bytes.readUInt16BE(0)).toBe(frame.transaction);
  });
});
