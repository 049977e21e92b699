import { openPty } from "../../../room/wire/pty.ts";

export interface Submitted {
  to: string;
  text: string;
  charset: string;
  coding: number;
}

/** A GSM modem on a pty, as far as text mode goes (3GPP TS 27.005 and 27.007), echo and all. */
export interface GsmModem {
  device: string;
  /** What the network took. */
  sent: Submitted[];
  /** Every command line that came. */
  asked: string[];
  pinNeeded: string | null;
  pinTries: number;
  /** Whether it knows `AT+CPINR`; not every modem does. */
  tellsTries: boolean;
  registration: number;
  /** What `AT+CMGS` ends with instead of success. */
  submitError: string | null;
  silent: boolean;
  /** Somebody sends it an SMS; `coding` 8 for UCS2 in hex. */
  receive(from: string, text: string, coding?: number): void;
  /** What lies in its store. */
  stored(): number;
  close(): Promise<void>;
}

export async function gsmModem(): Promise<GsmModem> {
  const pty = await openPty();
  const store = new Map<number, { from: string; text: string; coding: number }>();
  let [charset, coding, echo, nextPlace, reference] = ["GSM", 0, true, 1, 0];
  let submitTo: string | undefined;
  const say = (text: string) => pty.write(Buffer.from(text, "latin1"));
  const lines = (...all: string[]) => say(all.map((line) => `\r\n${line}\r\n`).join(""));
  const unhex = (hex: string) => Buffer.from(hex, "hex").swap16().toString("utf16le");

  const modem: GsmModem = {
    ...{ device: pty.path, sent: [], asked: [], pinNeeded: null, pinTries: 3, tellsTries: true },
    ...{ registration: 1, submitError: null, silent: false },
    receive(from, text, smsCoding = 0) {
      store.set(nextPlace, { from, text, coding: smsCoding });
      nextPlace += 1;
      lines(`+CMTI: "SM",${nextPlace - 1}`);
    },
    stored: () => store.size,
    close: () => pty.close(),
  };

  function obey(command: string): void {
    const [, name = "", value = ""] = /^AT\+?(\w*)[=?]?(.*)$/.exec(command) ?? [];
    const bare = value.replace(/"/g, "");
    if (command === "ATE0") echo = false;
    else if (name === "CSCS") charset = bare;
    else if (name === "CSMP") coding = Number(bare.split(",")[3]);
    else if (command === "AT+CPIN?") lines(`+CPIN: ${modem.pinNeeded ? "SIM PIN" : "READY"}`);
    else if (name === "CPINR" && modem.tellsTries) lines(`+CPINR: SIM PIN,${modem.pinTries},3`);
    else if (name === "CPIN") {
      if (bare !== modem.pinNeeded) {
        modem.pinTries -= 1;
        lines("+CME ERROR: 16");
        return;
      }
      modem.pinNeeded = null;
    } else if (name === "CREG") lines(`+CREG: 0,${modem.registration}`);
    else if (name === "CSQ") lines("+CSQ: 20,99");
    else if (name === "CMGL") {
      for (const [place, { from, text }] of store)
        say(`\r\n+CMGL: ${place},"REC UNREAD","${from}",,"26/01/01,00:00:00+08"\r\n${text}\r\n`);
    } else if (name === "CMGR") {
      const sms = store.get(Number(bare));
      const tail = `145,4,0,${sms?.coding},"+358447000000",145,${sms?.text.length}`;
      if (sms)
        say(
          `\r\n+CMGR: "REC UNREAD","${sms.from}",,"26/01/01,00:00:00+08",${tail}\r\n${sms.text}\r\n`,
        );
    } else if (name === "CMGD") store.delete(Number(bare));
    else if (name === "CMGS") {
      submitTo = charset === "UCS2" ? unhex(bare) : bare;
      say("\r\n> ");
      return;
    } else if (!["", "CMEE", "CMGF", "CSDH"].includes(name)) {
      lines("+CME ERROR: 4");
      return;
    }
    lines("OK");
  }

  function submit(body: string): void {
    const to = submitTo ?? "";
    submitTo = undefined;
    if (modem.submitError) {
      lines(modem.submitError);
      return;
    }
    const text = charset === "UCS2" ? unhex(body) : body;
    modem.sent.push({ to, text, charset, coding });
    reference += 1;
    lines(`+CMGS: ${reference}`, "OK");
  }

  async function listen(): Promise<void> {
    let heard = "";
    for await (const bytes of pty.input) {
      heard += bytes.toString("latin1");
      for (;;) {
        const end = heard.indexOf(submitTo === undefined ? "\r" : "\x1a");
        if (end < 0) break;
        const piece = heard.slice(0, end).replaceAll("\x1b", "");
        heard = heard.slice(end + 1);
        if (modem.silent) continue;
        if (submitTo !== undefined) submit(piece);
        else if (piece !== "") {
          if (echo) say(`${piece}\r`);
          modem.asked.push(piece);
          obey(piece);
        }
      }
    }
  }
  // Ends with the pty.
  listen().catch(() => undefined);
  return modem;
}
