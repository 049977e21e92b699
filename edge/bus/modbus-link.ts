import type modbusSerial from "modbus-serial";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { errorCode } from "./errno.ts";
import { DeviceError, ModbusException, type ModbusLink } from "./port.ts";
import { turnstile } from "./turn.ts";

type ModbusRTU = InstanceType<typeof modbusSerial.default>;

const OPEN_MS = 3_000;
const CLOSE_MS = 1_000;
/** How long after its own timeout the package is given before it is taken for dead. */
const WATCHDOG_MS = 1_000;

/** modbus-serial over a serial line. Only the buffered port copes with frames that arrive in pieces. */
export async function openModbusRtu(deps: {
  device: string;
  baud: number;
  parity: "none" | "even" | "odd";
  stop?: 1 | 2;
  clock: Clock;
}): Promise<ModbusLink> {
  const { device, baud: baudRate, parity, stop: stopBits = 1, clock } = deps;
  const options = { baudRate, parity, stopBits, dataBits: 8 } as const;
  // Frames are told apart by 3.5 characters of silence; above 19200 baud by a fixed 1.75 ms.
  const silenceMs = baudRate > 19_200 ? 2 : Math.ceil((3.5 * 11 * 1_000) / baudRate);
  return openLink({ name: device, silenceMs, clock }, (client) =>
    client.connectRTUBuffered(device, options),
  );
}

/** modbus-serial over TCP: one device, or a gateway with several units. */
export async function openModbusTcp(deps: {
  host: string;
  port: number;
  clock: Clock;
}): Promise<ModbusLink> {
  const { host, port, clock } = deps;
  return openLink({ name: `${host}:${port}`, clock }, (client) =>
    client.connectTCP(host, { port }),
  );
}

interface Line {
  name: string;
  clock: Clock;
  /** Set for a serial line: the silence between two frames. */
  silenceMs?: number;
}

async function openLink(
  line: Line,
  connect: (client: ModbusRTU) => Promise<void>,
): Promise<ModbusLink> {
  const { name, clock } = line;
  const client = await newClient();
  const link = new SerialLink(line, client);
  const late = () => new DeviceError("bus", `${name} did not open within ${OPEN_MS} ms`);
  try {
    await withDeadline(connect(client), OPEN_MS, clock, late);
  } catch (error) {
    await link.close();
    throw error instanceof DeviceError ? error : new DeviceError("bus", errorText(error));
  }
  link.watch();
  return link;
}

/** What the package keeps to itself, and we must reach. */
interface HiddenPort {
  _buffer?: Buffer;
  _client?: { once(event: "close", listener: () => void): void };
  on?(event: "error", listener: () => void): void;
}

type Request = { unit: number; address: number; count: number; timeoutMs: number };

/** Lives for one connection: when the line or the package fails, it stays dead and a new one is opened. */
class SerialLink implements ModbusLink {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #silenceMs: number | undefined;
  readonly #client: ModbusRTU;
  readonly #turn = turnstile();
  #dead: DeviceError | undefined;
  #interrupt: (error: DeviceError) => void = () => undefined;
  /** RTU: an answer may still be on its way, and nothing in it would tell which question it answers. */
  #answerOwed = false;

  constructor(line: Line, client: ModbusRTU) {
    this.#name = line.name;
    this.#clock = line.clock;
    this.#silenceMs = line.silenceMs;
    this.#client = client;
    client.on("error", (error) => this.#die(errorText(error)));
  }

  /** After a reset the package tells nobody, so its own socket or serial port is asked. */
  watch(): void {
    this.#port?._client?.once("close", () => this.#interrupt(this.#die("connection lost")));
  }

  async readRegisters(request: Request & { fc: 3 | 4 }): Promise<Uint16Array> {
    const { fc, address, count } = request;
    const data = await this.#read(request, () =>
      fc === 3
        ? this.#client.readHoldingRegisters(address, count)
        : this.#client.readInputRegisters(address, count),
    );
    if (data.length !== count) throw this.#wrongLength(data.length, count);
    return Uint16Array.from(data);
  }

  async readBits(request: Request & { fc: 1 | 2 }): Promise<boolean[]> {
    const { fc, address, count } = request;
    const data = await this.#read(request, () =>
      fc === 1
        ? this.#client.readCoils(address, count)
        : this.#client.readDiscreteInputs(address, count),
    );
    // Bits come in whole bytes; the rest of the last byte is padding.
    if (data.length < count) throw this.#wrongLength(data.length, count);
    return data.slice(0, count);
  }

  drain(ms: number): Promise<void> {
    return this.#turn(() => this.#drain(ms));
  }

  async close(): Promise<void> {
    this.#dead ??= new DeviceError("bus", `${this.#name} is closed`);
    // The package takes its listener away when it closes; a later error would end the program.
    this.#port?.on?.("error", () => undefined);
    // Closing a dead TCP port never calls back, so a TCP port is destroyed at once.
    if (!this.#serial) return this.#client.destroy(() => undefined);
    const closing = new Promise<void>((resolve) => this.#client.close(() => resolve()));
    await Promise.race([closing, this.#clock.sleep(CLOSE_MS)]);
  }

  async #read<T>(request: Request, call: () => Promise<{ data: T[] }>): Promise<T[]> {
    return this.#turn(async () => {
      if (this.#dead) throw this.#dead;
      if (this.#answerOwed) await this.#drain(request.timeoutMs);
      if (this.#silenceMs) await this.#clock.sleep(this.#silenceMs);
      this.#discardInput();
      // Both belong to the client, not to the call, so they are set inside the queue.
      this.#client.setID(request.unit);
      this.#client.setTimeout(request.timeoutMs);
      const late = () => this.#die("the package never came back from a call");
      try {
        const limitMs = request.timeoutMs + WATCHDOG_MS;
        const lost = new Promise<never>((_, reject) => {
          this.#interrupt = reject;
        });
        const answer = Promise.race([call(), lost]);
        return (await withDeadline(answer, limitMs, this.#clock, late)).data;
      } catch (error) {
        throw error instanceof DeviceError ? error : this.#meaningOf(error, request);
      }
    });
  }

  #meaningOf(error: unknown, { unit, address, count, timeoutMs }: Request): DeviceError {
    const where = `${this.#name} unit ${unit} register ${address}+${count}`;
    const text = errorText(error);
    const code = exceptionCode(error);
    if (code !== undefined) return new ModbusException(code, `${where}: ${text}`);
    if (errorNo(error) === "ETIMEDOUT") {
      this.#answerOwed = this.#serial;
      return new DeviceError("no-answer", `${where}: no answer within ${timeoutMs} ms`);
    }
    if (/^(CRC error|Data length error|Unexpected data error)/.test(text)) {
      this.#answerOwed = this.#serial;
      return new DeviceError("checksum", `${where}: ${text}`);
    }
    return this.#die(text);
  }

  async #drain(ms: number): Promise<void> {
    // TCP answers carry the number of their question; only a serial line must fall silent.
    if (!this.#serial) return;
    await this.#clock.sleep(ms);
    this.#discardInput();
    this.#answerOwed = false;
  }

  /** The package never empties its own receive buffer, so an old answer would wait there for ever. */
  #discardInput(): void {
    if (this.#port?._buffer) this.#port._buffer = Buffer.alloc(0);
  }

  get #serial(): boolean {
    return this.#silenceMs !== undefined;
  }

  get #port(): HiddenPort | undefined {
    return (this.#client as unknown as { _port?: HiddenPort })._port;
  }

  #die(why: string): DeviceError {
    this.#dead ??= new DeviceError("bus", `${this.#name}: ${why}`);
    return this.#dead;
  }

  #wrongLength(found: number, wanted: number): DeviceError {
    return new DeviceError("checksum", `${this.#name} gave ${found} of ${wanted} values`);
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

function field(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}

/** The package throws things that are not all of class Error. */
function errorText(error: unknown): string {
  return String(field(error, "message") ?? error);
}

const errorNo = (error: unknown) => field(error, "errno");

function exceptionCode(error: unknown): number | undefined {
  const code = field(error, "modbusCode");
  return typeof code === "number" ? code : undefined;
}
