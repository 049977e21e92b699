import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { SnmpReceiver } from "../../../../hub/config/receiver-config.ts";
import { engineIdOf, snmpChannel } from "../../../../hub/notify/snmp-channel.ts";
import { page } from "../messages.ts";

const MIBS = fileURLToPath(new URL("../../../../deploy/snmp", import.meta.url));
const PATH = `${process.env.PATH}:/usr/sbin`;
const deps = { clock: systemClock, timeoutMs: 6_000 };
const auth = { protocol: "sha256", password: "auth-secret-1" } as const;
const priv = { protocol: "aes", password: "priv-secret-1" } as const;

describe("a real snmptrapd", () => {
  let folder: string;
  let daemon: ChildProcess;
  let port: number;
  let heard = "";

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "plenum-snmp-"));
    port = await freePort();
    const users = [
      `createUser informer SHA-256 "${auth.password}" AES "${priv.password}"`,
      `createUser -e 0x${engineIdOf("plenum")} trapper SHA-256 "${auth.password}" AES "${priv.password}"`,
    ];
    const rights = ["informer", "trapper"].map((user) => `authUser log ${user} priv`);
    const lines = [...users, ...rights, "authCommunity log sesame"];
    writeFileSync(path.join(folder, "trapd.conf"), `${lines.join("\n")}\n`);
    // -Lo: to its output; -Oqs: short.
    const args = ["-f", "-Lo", "-C", "-c", path.join(folder, "trapd.conf"), "-n"];
    const names = ["-M", withBasics(folder), "-m", "PLENUM-MIB", "-Oqs"];
    daemon = spawn("snmptrapd", [...args, ...names, `udp:127.0.0.1:${port}`], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH, SNMP_PERSISTENT_DIR: folder },
    });
    const hear = (bytes: Buffer) => {
      heard += bytes.toString("utf8");
    };
    daemon.stdout?.on("data", hear);
    daemon.stderr?.on("data", hear);
    await vi.waitFor(() => expect(heard).toContain("NET-SNMP version"), { timeout: 10_000 });
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });

  const to = (as: SnmpReceiver["as"], inform: boolean): SnmpReceiver => ({
    ...{ kind: "snmp", id: "nms", host: "127.0.0.1", port, inform, as },
  });
  const v3 = (user: string): SnmpReceiver["as"] => ({
    ...{ version: "3", user, auth, priv, engine: "plenum" },
  });
  const arrives = (key: string) =>
    vi.waitFor(() => expect(heard).toContain(key), { timeout: 8_000 });

  test("takes a v2c trap, which is accepted", async () => {
    const channel = snmpChannel(to({ version: "2c", community: "sesame" }, false), deps);
    const message = { ...page(), key: "trap-v2c" };
    expect(await channel.send(message)).toEqual({ kind: "accepted", note: null });
    await arrives("trap-v2c");
    expect(heard).toContain("plenumAlarmRaised");
    expect(heard).toContain("P2 A03 inlet top 31.8 °C (limit 27) — Hall A");
  });

  test("confirms a v2c inform, which is delivered", async () => {
    const channel = snmpChannel(to({ version: "2c", community: "sesame" }, true), deps);
    expect(await channel.send({ ...page(), key: "inform-v2c" })).toEqual({ kind: "delivered" });
    await arrives("inform-v2c");
  });

  test("confirms a v3 inform with SHA-256 and AES", async () => {
    const channel = snmpChannel(to(v3("informer"), true), deps);
    expect(await channel.send({ ...page("cleared"), key: "inform-v3" })).toEqual({
      kind: "delivered",
    });
    await arrives("inform-v3");
  });

  test("takes v3 traps, also one of a hub started anew", async () => {
    for (const key of ["trap-v3-first", "trap-v3-second"]) {
      const channel = snmpChannel(to(v3("trapper"), false), deps);
      expect(await channel.send({ ...page(), key })).toEqual({ kind: "accepted", note: null });
      await arrives(key);
    }
  });

  test("a v3 trap stamped 200 s earlier than the last is not taken: the receiver heeds our time", async () => {
    const send = (key: string, lateMs: number) => {
      const clock = { ...systemClock, nowMs: () => Date.now() - lateMs };
      return snmpChannel(to(v3("trapper"), false), { ...deps, clock }).send({ ...page(), key });
    };
    await send("trap-now", 0);
    await send("trap-of-the-past", 200_000);
    await send("trap-after", 0);
    await arrives("trap-after");
    expect(heard).not.toContain("trap-of-the-past");
  });

  test("a wrong v3 password is failed", async () => {
    const wrong = { ...v3("informer"), auth: { ...auth, password: "another-secret" } };
    const channel = snmpChannel(to(wrong as SnmpReceiver["as"], true), deps);
    expect(await channel.send({ ...page(), key: "wrong-v3" })).toMatchObject({ kind: "failed" });
    expect(heard).not.toContain("wrong-v3");
  });
});

test("an inform nobody confirms is failed in time", async () => {
  const receiver: SnmpReceiver = {
    ...{ kind: "snmp", id: "nms", host: "127.0.0.1", port: await freePort(), inform: true },
    as: { version: "2c", community: "sesame" },
  };
  const outcome = await snmpChannel(receiver, { ...deps, timeoutMs: 800 }).send(page());
  expect(outcome).toMatchObject({ kind: "failed" });
});

test("PLENUM-MIB gives every number a name", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-mib-"));
  const mibs = withBasics(folder);
  const name = (oid: string) =>
    execFileSync("snmptranslate", ["-M", mibs, "-m", "PLENUM-MIB", oid], { encoding: "utf8" });
  expect(name("1.3.6.1.4.1.8072.9999.9999.7536.0.1")).toBe("PLENUM-MIB::plenumAlarmRaised\n");
  expect(name("1.3.6.1.4.1.8072.9999.9999.7536.0.5")).toBe("PLENUM-MIB::plenumTold\n");
  expect(name("1.3.6.1.4.1.8072.9999.9999.7536.1.5.0")).toBe("PLENUM-MIB::plenumSubject.0\n");
  rmSync(folder, { recursive: true });
});

/** Debian does not bring the modules every MIB starts from; of theirs PLENUM-MIB needs one name. */
function withBasics(folder: string): string {
  const module = (name: string, text = "") =>
    writeFileSync(
      path.join(folder, `${name}.txt`),
      `${name} DEFINITIONS ::= BEGIN\n${text}\nEND\n`,
    );
  module("SNMPv2-SMI", "enterprises OBJECT IDENTIFIER ::= { iso 3 6 1 4 1 }");
  module("SNMPv2-TC");
  module("SNMPv2-CONF");
  return `${folder}:${MIBS}`;
}

function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  return new Promise((resolve) =>
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address() as AddressInfo;
      socket.close(() => resolve(port));
    }),
  );
}
