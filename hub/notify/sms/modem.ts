import type { Logger } from "pino";
import type { Clock } from "../../../contract/clock.ts";
import type { ModemConfig } from "../../config/receiver-config.ts";
import { AtDialogue, ModemError } from "./at-dialogue.ts";
import { gsmBytes, gsmText, ucs2Hex, ucs2Text } from "./gsm-alphabet.ts";
import { openSerialLine, type SerialLine } from "./serial-line.ts";
import type { SmsPart } from "./sms-text.ts";

const POLL_MS = 5_000;
/** 3GPP TS 27.005 names no limit; networks are known to take most of a minute. */
const SUBMIT_MS = 60_000;
const MAX_AT_ONCE = 30;
/** 3GPP TS 27.007: 99 is "not known", 31 is −51 dBm or better. */
const SIGNAL_UNKNOWN = 99;
const PIN_TRIES = 3;

export interface IncomingSms {
  from: string;
  text: string;
}

export interface ModemDeps {
  config: ModemConfig;
  clock: Clock;
  log?: Logger;
  open?: (device: string, baud: number) => Promise<SerialLine>;
  /** How often it is asked for what came in. */
  pollMs?: number;
  /** Takes what comes in; a text it returns is sent back. */
  onSms?: (sms: IncomingSms) => string | undefined;
}

/** What a modem last said of itself. */
export interface ModemState {
  registered: boolean;
  /** dBm; null when it does not know. */
  signalDbm: number | null;
}

/** A GSM modem on a serial line, one thing at a time, opened again whenever it was lost. */
export class Modem {
  readonly #deps: ModemDeps;
  #dialogue: AtDialogue | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #pinRefused = false;
  #state: ModemState = { registered: false, signalDbm: null };
  #trouble: string | undefined;

  constructor(deps: ModemDeps) {
    this.#deps = deps;
  }

  state = (): ModemState => this.#state;

  /** Hands one SMS to the network; throws ModemError with why not. */
  send(to: string, part: SmsPart): Promise<void> {
    return this.#turn(async (modem) => {
      await this.#needNetwork(modem);
      await submit(modem, to, part);
    });
  }

  /** Looks for answers until `signal` aborts; trouble is logged when it begins and when it ends. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, pollMs = POLL_MS } = this.#deps;
    while (!signal.aborted) {
      await this.#turn((modem) => this.#poll(modem)).then(
        () => this.#tell(undefined),
        (error: unknown) => {
          if (!(error instanceof ModemError)) throw error;
          this.#tell(error.message);
        },
      );
      await clock.sleep(pollMs, signal);
    }
    await this.#queue;
    this.#drop();
  }

  /** One at a time. After silence the line is closed, so that a late answer is not taken for the next one's. */
  #turn<T>(work: (modem: AtDialogue) => Promise<T>): Promise<T> {
    const done = this.#queue.then(async () => {
      try {
        return await work(await this.#ready());
      } catch (error) {
        if (!(error instanceof ModemError && error.answered)) this.#drop();
        throw error;
      }
    });
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #ready(): Promise<AtDialogue> {
    if (this.#dialogue && !this.#dialogue.isGone) return this.#dialogue;
    this.#drop();
    const { config, clock, open = openSerialLine } = this.#deps;
    const line = await open(config.device, config.baud).catch((error: Error) => {
      throw new ModemError(`${config.device} cannot be opened: ${error.message}`);
    });
    const modem = new AtDialogue(line, clock);
    try {
      await this.#prepare(modem, line);
    } catch (error) {
      modem.close();
      throw error;
    }
    this.#dialogue = modem;
    return modem;
  }

  async #prepare(modem: AtDialogue, line: SerialLine): Promise<void> {
    // Whatever was begun before is ended by an escape; echo off; errors by number.
    line.write(Buffer.from("\x1b\r"));
    for (const command of ["AT", "ATE0", "AT+CMEE=1"]) await modem.ask(command);
    await this.#unlock(modem);
    for (const command of ["AT+CMGF=1", "AT+CSDH=1"]) await modem.ask(command);
  }

  /** A wrong PIN locks the card after three tries, so it is given only once, and only while all three are left. */
  async #unlock(modem: AtDialogue): Promise<void> {
    const found = fieldOf(await modem.ask("AT+CPIN?"), "+CPIN");
    if (found === "READY") return;
    const { pin } = this.#deps.config;
    const fail = (why: string) => {
      throw new ModemError(why);
    };
    if (found !== "SIM PIN") return fail(`the card asks for ${found || "nothing known"}`);
    if (pin === null) return fail("the card asks for its PIN; write pin in site.yaml");
    if (this.#pinRefused) return fail("the card refused the PIN; it is not given again");
    const left = fieldOf(await modem.ask("AT+CPINR").catch(ignoreRefusal), "+CPINR").split(",")[1];
    if (left !== undefined && Number(left) < PIN_TRIES)
      return fail(`the card's PIN was wrong before; ${left} tries left. Enter it in a phone`);
    this.#pinRefused = true;
    await modem.ask(`AT+CPIN="${pin}"`);
    this.#pinRefused = false;
  }

  async #needNetwork(modem: AtDialogue): Promise<void> {
    const registration = fieldOf(await modem.ask("AT+CREG?"), "+CREG").split(",")[1];
    const strength = Number(fieldOf(await modem.ask("AT+CSQ"), "+CSQ").split(",")[0]);
    const isKnown = strength >= 0 && strength <= 31 && strength !== SIGNAL_UNKNOWN;
    const registered = registration === "1" || registration === "5";
    this.#state = { registered, signalDbm: isKnown ? -113 + 2 * strength : null };
    if (registered) return;
    const why = registration === "3" ? "the network refuses the card" : "no network";
    const { signalDbm } = this.#state;
    const signal = signalDbm === null ? "no signal" : `signal ${signalDbm} dBm`;
    throw new ModemError(`the modem is not registered: ${why} (${signal})`, true);
  }

  async #poll(modem: AtDialogue): Promise<void> {
    await modem.ask('AT+CSCS="GSM"');
    const list = await modem.ask('AT+CMGL="ALL"');
    const places = list.flatMap((line) => /^\+CMGL: ?(\d+),/.exec(line)?.[1] ?? []);
    for (const place of places.slice(0, MAX_AT_ONCE)) {
      const sms = incoming(await modem.ask(`AT+CMGR=${place}`));
      const answer = sms && this.#deps.onSms?.(sms);
      // Taken first: if we die in between it is taken twice, which acknowledges once.
      await modem.ask(`AT+CMGD=${place}`);
      if (sms && answer) await submit(modem, sms.from, plainPart(answer));
      await modem.ask('AT+CSCS="GSM"');
    }
    await this.#needNetwork(modem);
  }

  #tell(trouble: string | undefined): void {
    const { log, config } = this.#deps;
    const { device } = config;
    if (trouble !== undefined && this.#trouble === undefined)
      log?.error({ device, why: trouble }, "modem does not work");
    if (trouble === undefined && this.#trouble !== undefined)
      log?.info({ device, ...this.#state }, "modem works again");
    this.#trouble = trouble;
  }

  #drop(): void {
    this.#dialogue?.close();
    this.#dialogue = undefined;
  }
}

async function submit(modem: AtDialogue, to: string, { text, alphabet }: SmsPart): Promise<void> {
  const isGsm = alphabet === "gsm";
  await modem.ask(`AT+CSCS="${isGsm ? "GSM" : "UCS2"}"`);
  // Submit with relative validity of 24 h; the last number is the coding: 0 GSM, 8 UCS2 (23.038).
  await modem.ask(`AT+CSMP=17,167,0,${isGsm ? 0 : 8}`);
  const address = isGsm ? to : ucs2Hex(to);
  const body = isGsm ? gsmBytes(text) : Buffer.from(ucs2Hex(text), "latin1");
  const answer = await modem.askWithText(`AT+CMGS="${address}"`, body, SUBMIT_MS);
  if (fieldOf(answer, "+CMGS") === "") throw new ModemError("the modem gave no reference", true);
}

/** Our own answers are plain; a title in them may not be. */
function plainPart(text: string): SmsPart {
  return { text: text.slice(0, 70), alphabet: "ucs2" };
}

/** An SMS as `AT+CMGR` tells it with headers on: the sender, the coding, the text. */
function incoming([header, ...lines]: string[]): IncomingSms | undefined {
  const fields = (header ?? "").replace(/^\+CMGR: ?/, "").match(/"[^"]*"|[^,]+|(?<=,)(?=,)/g) ?? [];
  const [kind, from, , , , , , coding] = fields.map((field) => field.replace(/"/g, ""));
  if (!kind?.startsWith("REC") || !from) return undefined;
  const body = lines.join(" ");
  const isUcs2 = (Number(coding) & 0x0c) === 8;
  return { from, text: isUcs2 ? ucs2Text(body) : gsmText(Buffer.from(body, "latin1")) };
}

/** What follows `+NAME: ` in an answer; empty when no line has it. */
function fieldOf(lines: readonly string[], name: string): string {
  const line = lines.find((one) => one.startsWith(`${name}:`));
  return line === undefined ? "" : line.slice(name.length + 1).trim();
}

/** Not every modem knows every question. */
function ignoreRefusal(error: unknown): string[] {
  if (error instanceof ModemError && error.answered) return [];
  throw error;
}
