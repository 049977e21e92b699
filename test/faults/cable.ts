import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const TRICKLE_BYTES = 2_048;
const TRICKLE_MS = 20;
const LATENCY_MS = 250;
/** A slowed direction holds at most so much; then its sender has to wait. */
const MAX_HELD_BYTES = 262_144;

export type Flow = "free" | "still" | "late" | "trickle";

/** The cable between two programs: everything passes until it is told otherwise. */
export class Cable {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #lanes = new Set<Lane>();
  #refusing = false;
  #flow: { up: Flow; down: Flow } = { up: "free", down: "free" };

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async open(targetPort: number): Promise<Cable> {
    const server = createServer().listen(0, "127.0.0.1", 511);
    await once(server, "listening");
    const cable = new Cable(server, (server.address() as AddressInfo).port);
    server.on("connection", (near) => cable.#join(near, targetPort));
    return cable;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** From now on, for connections that stand and those to come. `up` is towards the server. */
  set(flow: { up: Flow; down: Flow }): void {
    this.#flow = flow;
    for (const lane of this.#lanes) lane.flow = flow[lane.way];
  }

  free(): void {
    this.#refusing = false;
    this.set({ up: "free", down: "free" });
  }

  /** Ends every connection: politely, or by a reset. */
  cut(how: "end" | "reset"): void {
    for (const pair of this.#pairs)
      for (const socket of pair) {
        if (how === "reset") socket.resetAndDestroy();
        else socket.destroy();
      }
  }

  /** Nobody comes through until `free`. */
  refuse(): void {
    this.#refusing = true;
    this.cut("reset");
  }

  async close(): Promise<void> {
    this.cut("end");
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket, targetPort: number): void {
    if (this.#refusing) {
      near.on("error", () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, "127.0.0.1");
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    const lanes = [
      new Lane("up", near, far, this.#flow.up),
      new Lane("down", far, near, this.#flow.down),
    ];
    for (const lane of lanes) this.#lanes.add(lane);
    for (const socket of pair) {
      socket.setNoDelay(true);
      // The other end is told by the close that follows.
      socket.on("error", () => undefined);
      socket.once("close", () => {
        for (const other of pair) other.destroy();
        for (const lane of lanes) this.#lanes.delete(lane);
        this.#pairs.delete(pair);
      });
    }
  }
}

/** One direction of a connection. Keeps order whatever the flow. */
class Lane {
  readonly #held: { bytes: Buffer; atMs: number }[] = [];
  #heldBytes = 0;
  #draining = false;
  #flow: Flow;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly way: "up" | "down",
    private readonly from: Socket,
    private readonly to: Socket,
    flow: Flow,
  ) {
    this.#flow = flow;
    from.on("data", (bytes: Buffer) => {
      this.#held.push({ bytes, atMs: performance.now() });
      this.#heldBytes += bytes.length;
      this.#pass();
    });
    from.once("close", () => clearTimeout(this.#timer));
    if (flow === "still") from.pause();
  }

  set flow(flow: Flow) {
    this.#flow = flow;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pass();
  }

  #pass(): void {
    if (this.#flow === "free") {
      for (const { bytes } of this.#held.splice(0)) this.#give(bytes);
    } else if (this.#flow !== "still") this.#passSlowly();
    const full = this.#heldBytes > MAX_HELD_BYTES || this.#flow === "still";
    if (full || this.to.writableNeedDrain) this.#wait();
    else this.from.resume();
  }

  /** A still direction stays so until its flow changes; any other is looked at again. */
  #wait(): void {
    this.from.pause();
    if (!this.to.writableNeedDrain || this.#draining) return;
    this.#draining = true;
    this.to.once("drain", () => {
      this.#draining = false;
      this.#pass();
    });
  }

  #passSlowly(): void {
    if (this.#timer) return;
    const next = this.#held[0];
    if (!next) return;
    const latencyMs = this.#flow === "late" ? next.atMs + LATENCY_MS - performance.now() : 0;
    const delayMs = this.#flow === "trickle" ? TRICKLE_MS : latencyMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (this.#flow === "trickle") this.#giveLittle();
        else this.#give(this.#held.shift()!.bytes);
        this.#pass();
      },
      Math.max(0, delayMs),
    );
  }

  #giveLittle(): void {
    const next = this.#held[0];
    if (!next) return;
    if (next.bytes.length > TRICKLE_BYTES) {
      this.#held[0] = { ...next, bytes: next.bytes.subarray(TRICKLE_BYTES) };
      this.#give(next.bytes.subarray(0, TRICKLE_BYTES));
    } else this.#give(this.#held.shift()!.bytes);
  }

  #give(bytes: Buffer): void {
    this.#heldBytes -= bytes.length;
    if (!this.to.destroyed) this.to.write(bytes);
  }
}
