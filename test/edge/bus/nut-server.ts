import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const FOLDERS = ["/lib/nut", "/usr/lib/nut", "/usr/sbin", "/sbin"];
const START_MS = 15_000;

export const NUT_ADMIN = { user: "admin", password: 'p "w"' };

/** Network UPS Tools' real `upsd` on a free port, with one dummy UPS for every name but those of `absent`. */
export class NutServer {
  readonly port: number;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #drivers = new Map<string, ChildProcess>();
  #upsd: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    this.#folder = mkdtempSync(path.join(tmpdir(), "plenum-nut-"));
    const state = path.join(this.#folder, "state");
    mkdirSync(state, { mode: 0o700 });
    this.#environment = {
      ...process.env,
      NUT_CONFPATH: this.#folder,
      NUT_STATEPATH: state,
      NUT_ALTPIDPATH: state,
      NUT_PIDPATH: state,
    };
  }

  static async start(
    units: Record<string, Record<string, string>>,
    absent: string[] = [],
    /** Lines of upsd.conf, as those that name its certificate. */
    more = "",
  ): Promise<NutServer> {
    const server = new NutServer(await freePort());
    try {
      server.#configure([...Object.keys(units), ...absent], more);
      for (const [ups, variables] of Object.entries(units)) await server.plug(ups, variables);
      await server.serve();
      for (const ups of Object.keys(units)) await server.fed(ups);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Starts the driver of one UPS. */
  async plug(ups: string, variables: Record<string, string>): Promise<void> {
    this.write(ups, variables);
    this.#drivers.set(ups, this.#start("dummy-ups", ["-a", ups, "-F"]));
    const socket = path.join(this.#folder, "state", `dummy-ups-${ups}`);
    await within(START_MS, async () => existsSync(socket), `dummy-ups made no ${socket}`);
  }

  /** Stops the driver of one UPS in the middle of its work; upsd finds its data stale after 2 s. */
  freeze(ups: string): void {
    this.#drivers.get(ups)?.kill("SIGSTOP");
  }

  thaw(ups: string): void {
    this.#drivers.get(ups)?.kill("SIGCONT");
  }

  /** Ends the driver of one UPS, as when the machine it runs on loses it. */
  async unplug(ups: string): Promise<void> {
    await ended(this.#drivers.get(ups));
  }

  /** Starts upsd, also again after `cut`. */
  async serve(): Promise<void> {
    this.#upsd = this.#start("upsd", ["-F"]);
    await within(START_MS, () => listens(this.port), `upsd does not listen on ${this.port}`);
  }

  async cut(): Promise<void> {
    await ended(this.#upsd);
  }

  /** Replaces what the dummy UPS reads; it looks for changes every second. */
  write(ups: string, variables: Record<string, string>): void {
    const text = Object.entries(variables).map(([name, value]) => `${name}: ${value}\n`);
    writeFileSync(path.join(this.#folder, `${ups}.dev`), text.join(""));
  }

  /** Sets one variable at once, as `upsrw` does. */
  async set(ups: string, name: string, value: string): Promise<void> {
    const login = [`USERNAME ${NUT_ADMIN.user}`, 'PASSWORD "p \\"w\\""'];
    const answers = await this.#ask([...login, `SET VAR ${ups} ${name} "${value}"`]);
    if (answers !== "OK\nOK\nOK\n") throw new Error(`upsd refused SET VAR: ${answers}`);
  }

  /** Waits until upsd has heard of a UPS. */
  async fed(ups: string): Promise<void> {
    const heard = async () => !/WAIT|ERR/.test(await this.#ask([`GET VAR ${ups} ups.status`]));
    await within(START_MS, heard, `upsd has heard nothing of ${ups}`);
  }

  /** Sends lines that are answered by one line each. */
  async #ask(lines: string[]): Promise<string> {
    const socket = connect(this.port, "127.0.0.1").setEncoding("utf8");
    let answers = "";
    socket.on("data", (text: string) => {
      answers += text;
    });
    socket.write(`${lines.join("\n")}\n`);
    const done = async () => answers.split("\n").length > lines.length;
    await within(START_MS, done, `upsd did not answer ${lines.at(-1)}`);
    socket.destroy();
    return answers;
  }

  async close(): Promise<void> {
    await ended(this.#upsd);
    for (const driver of this.#drivers.values()) await ended(driver);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configure(names: string[], more: string): void {
    const file = (name: string, text: string) =>
      writeFileSync(path.join(this.#folder, name), text, { mode: 0o600 });
    const unit = (name: string) =>
      `[${name}]\ndriver = dummy-ups\nport = ${path.join(this.#folder, name)}.dev\n`;
    file("ups.conf", `pollinterval = 1\n${names.map(unit).join("")}`);
    file("upsd.conf", `LISTEN 127.0.0.1 ${this.port}\nMAXAGE 2\n${more}`);
    file("upsd.users", `[${NUT_ADMIN.user}]\npassword = "p \\"w\\""\nactions = SET\n`);
  }

  #start(program: string, args: string[]): ChildProcess {
    const found = FOLDERS.map((folder) => path.join(folder, program)).find(existsSync);
    if (!found)
      throw new Error(
        `${program} is not installed; the tests need it: apt-get install nut-server (Debian)`,
      );
    // As root both would become the user nut, who may not read the folder.
    const user = process.getuid?.() === 0 ? ["-u", "root"] : [];
    return spawn(found, [...args, ...user], { env: this.#environment, stdio: "ignore" });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}

/** Asks every 20 ms until the answer is yes. */
export async function within(
  ms: number,
  isSo: () => Promise<boolean>,
  complaint: string,
): Promise<void> {
  const endMs = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`${complaint} (waited ${ms} ms)`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await over;
}
