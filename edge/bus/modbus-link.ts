import type modbusSerial from "modbus-serial";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { errorCode } from "./errno.ts";
import { errorNo, errorText, exceptionCode } from "./modbus-errors.ts";
import { type LineSpeed, readMs, silenceMs } from "./modbus-timing.ts";
import { DeviceError, ModbusException, type ModbusLink } from "./port.ts";
import { turnstile } from "./turn.ts";

type ModbusRTU = InstanceType<typeof modbusSerial.default>;

const OPEN_MS = 3_000;
const CLOSE_MS = 1_000;
/** How long after its own timeout the package is given before it is taken for dead. */
const WATCHDOG_MS = 1_000;
/** A peer that lost its power never says that it is gone: after so many unanswered questions, connect anew. */
const SILENT_QUESTIONS = 2;

/** modbus-serial over a serial line. Only the buffered port copes with frames that arrive in pieces. */
export async function openModbusRtu(deps: {
  device: string;
  baud: number;
  parity: "none" | "even" | "odd";
  stop?: 1 | 2;
  clock: Clock;
}): Promise<ModbusLink> {
  const { device, baud, parity, stop = 1, clock } = deps;
  const options = { baudRate: baud, parity, stopBits: stop, dataBits: 8 } as const;
  return openLink({
    name: device,
    speed: { baud, parity, stop },
    clock,
    connect: (client) => client.connectRTUBuffered(device, options),
  });
}

/** modbus-serial over TCP: one device, or a gateway with several units. */
export async function openModbusTcp(deps: {
  host: string;
  port: number;
  clock: Clock;
}): Promise<ModbusLink> {
  const { host, port, clock } = deps;
  return openLink({
    name: `${host}:${port}`,
    clock,
    connect: (client) => client.connectTCP(host, { port }),
  });
}

interface Line {
  name: string;
  clock: Clock;
  /** Set for a serial line. */
  speed?: LineSpeed;
  connect: (client: ModbusRTU) => Promise<void>;
}

async function openLink(line: Line): Promise<ModbusLink> {
  const link = new PackageLink(line, await newClient());
  try {
    await link.open();
  } catch (error) {
    await link.close();
    throw error;
  }
  return link;
}

/** What the package keeps to itself, and we must reach. */
interface HiddenPort {
  _buffer?: Buffer;
  _client?: { once(event: "close", listener: () => void): void };
  on?(event: "error", listener: () => void): void;
}

type Request = { unit: number; fc: number; address: number; count: number; timeoutMs: number };

/** Puts one question to the package. Its promises cost as much again as the question. */
type Ask<T> = (client: ModbusRTU, done: (error: unknown, answer: { data: T[] }) => void) => void;

const portOf = (client: ModbusRTU): HiddenPort | undefined =>
  (client as unknown as { _port?: HiddenPort })._port;

/** When the line or the package fails, it stays dead and a new one is opened. */
class PackageLink implements ModbusLink {
  readonly #line: Line;
  readonly #clock: Clock;
  #client: ModbusRTU;
  readonly #turn = turnstile();
  #dead: DeviceError | undefined;
  #interrupt: (error: DeviceError) => void = () => undefined;
  /** RTU: an answer may still be on its way, and nothing in it would tell which question it answers. */
  #answerOwed = false;
  /** Before this nothing may be sent, so that a frame begins after enough silence. */
  #quietUntilMs = 0;
  #unanswered = 0;
  /** The call now under way must be over by then. */
  #overdueAtMs = Number.POSITIVE_INFINITY;
  #watching = false;
  readonly #closing = new AbortController();

  constructor(line: Line, client: ModbusRTU) {
    this.#line = line;
    this.#clock = line.clock;
    this.#client = client;
  }

  /** Throws `DeviceError` "bus". */
  async open(): Promise<void> {
    const client = this.#client;
    client.on("error", (error) => {
      if (client === this.#client) this.#die(errorText(error));
    });
    const late = () => this.#die(`did not open within ${OPEN_MS} ms`);
    try {
      await withDeadline(this.#line.connect(client), OPEN_MS, this.#clock, late);
    } catch (error) {
      throw error instanceof DeviceError ? error : this.#die(errorText(error));
    }
    // After a reset the package tells nobody, so its own socket or serial port is asked.
    portOf(client)?._client?.once("close", () => {
      if (client === this.#client) this.#interrupt(this.#die("connection lost"));
    });
  }

  async readRegisters(request: Request & { fc: 3 | 4 }): Promise<Uint16Array> {
    const { unit, fc, address, count } = request;
    const data = await this.#read<number>(request, (client, done) =>
      fc === 3
        ? client.writeFC3(unit, address, count, done)
        : client.writeFC4(unit, address, count, done),
    );
    if (data.length !== count) throw this.#wrongLength(data.length, count);
    return new Uint16Array(data);
  }

  async readBits(request: Request & { fc: 1 | 2 }): Promise<boolean[]> {
    const { unit, fc, address, count } = request;
    const data = await this.#read<boolean>(request, (client, done) =>
      fc === 1
        ? client.writeFC1(unit, address, count, done)
        : client.writeFC2(unit, address, count, done),
    );
    // Bits come in whole bytes; the rest of the last byte is padding.
    if (data.length < count) throw this.#wrongLength(data.length, count);
    return data.slice(0, count);
  }

  drain(ms: number): Promise<void> {
    return this.#turn(() => this.#drain(ms));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#dead ??= new DeviceError("bus", `${this.#line.name} is closed`);
    // The package takes its listener away when it closes; a later error would end the program.
    portOf(this.#client)?.on?.("error", () => undefined);
    // Closing a dead TCP port never calls back, so a TCP port is destroyed at once.
    if (!this.#line.speed) return this.#client.destroy(() => undefined);
    const closing = new Promise<void>((resolve) => this.#client.close(() => resolve()));
    await Promise.race([closing, this.#clock.sleep(CLOSE_MS)]);
  }

  #read<T>(request: Request, ask: Ask<T>): Promise<T[]> {
    return this.#turn(async () => {
      if (this.#dead) throw this.#dead;
      if (this.#answerOwed) await this.#drain(request.timeoutMs);
      if (this.#unanswered >= SILENT_QUESTIONS) await this.#reconnect();
      if (this.#line.speed) await this.#silence();
      this.#discardInput();
      const client = this.#client;
      const timeoutMs = request.timeoutMs + this.#wireMs(request);
      // It belongs to the client, not to the call, so it is set inside the queue.
      client.setTimeout(timeoutMs);
      this.#watch(timeoutMs + WATCHDOG_MS);
      try {
        const data = await new Promise<T[]>((resolve, reject) => {
          this.#interrupt = reject;
          ask(client, (error, answer) => (error ? reject(error) : resolve(answer.data)));
        });
        this.#unanswered = 0;
        return data;
      } catch (error) {
        throw error instanceof DeviceError ? error : this.#meaningOf(error, request);
      } finally {
        this.#overdueAtMs = Number.POSITIVE_INFINITY;
        if (this.#line.speed)
          this.#quietUntilMs = this.#clock.monoMs() + silenceMs(this.#line.speed.baud);
      }
    });
  }

  /** Ends a call that the package forgot. One timer serves many calls, as each costs more than a read. */
  #watch(limitMs: number): void {
    this.#overdueAtMs = this.#clock.monoMs() + limitMs;
    if (this.#watching) return;
    this.#watching = true;
    const guard = async () => {
      const { signal } = this.#closing;
      while (!signal.aborted && this.#overdueAtMs < Number.POSITIVE_INFINITY) {
        await this.#clock.sleep(limitMs, signal);
        if (this.#clock.monoMs() >= this.#overdueAtMs)
          this.#interrupt(this.#die("the package never came back from a call"));
      }
      this.#watching = false;
    };
    void guard();
  }

  /** What the frames themselves take on a serial line, which is not the device's fault. */
  #wireMs({ fc, count }: Request): number {
    return this.#line.speed ? Math.ceil(readMs({ fc, count }, this.#line.speed)) : 0;
  }

  async #silence(): Promise<void> {
    for (;;) {
      const leftMs = this.#quietUntilMs - this.#clock.monoMs();
      if (leftMs <= 0) return;
      await this.#clock.sleep(leftMs);
    }
  }

  async #reconnect(): Promise<void> {
    const old = this.#client;
    this.#client = await newClient();
    portOf(old)?.on?.("error", () => undefined);
    old.destroy(() => undefined);
    this.#unanswered = 0;
    await this.open();
  }

  #meaningOf(error: unknown, { unit, address, count, timeoutMs }: Request): DeviceError {
    const where = `${this.#line.name} unit ${unit} register ${address}+${count}`;
    const serial = this.#line.speed !== undefined;
    const text = errorText(error);
    const code = exceptionCode(error);
    if (code !== undefined) {
      this.#unanswered = 0;
      return new ModbusException(code, `${where}: ${text}`);
    }
    if (errorNo(error) === "ETIMEDOUT") {
      this.#answerOwed = serial;
      if (!serial) this.#unanswered += 1;
      return new DeviceError("no-answer", `${where}: no answer within ${timeoutMs} ms`);
    }
    if (/^(CRC error|Data length error|Unexpected data error)/.test(text)) {
      this.#answerOwed = serial;
      return new DeviceError("checksum", `${where}: ${text}`);
    }
    return this.#die(text);
  }

  async #drain(ms: number): Promise<void> {
    // TCP answers carry the number of their question; only a serial line must fall silent.
    if (!this.#line.speed) return;
    await this.#clock.sleep(ms);
    this.#discardInput();
    this.#answerOwed = false;
  }

  /** The package never empties its own receive buffer, so an old answer would wait there for ever. */
  #discardInput(): void {
    const port = portOf(this.#client);
    if (port?._buffer && port._buffer.length > 0) port._buffer = Buffer.alloc(0);
  }

  #die(why: string): DeviceError {
    this.#dead ??= new DeviceError("bus", `${this.#line.name}: ${why}`);
    return this.#dead;
  }

  #wrongLength(found: number, wanted: number): DeviceError {
    return new DeviceError("checksum", `${this.#line.name} gave ${found} of ${wanted} values`);
  }
}

async function newClient(): Promise<ModbusRTU> {
  try {
    const { default: commonJs } = await import("modbus-serial");
    return new commonJs.default();
  } catch (error) {
    throw new DeviceError(
      "bus",
      `the package modbus-serial cannot be loaded (${errorCode(error)})`,
    );
  }
}
