import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { SyslogReceiver } from "../../../../hub/config/receiver-config.ts";
import { framed, MAX_RECORD_BYTES, syslogRecord } from "../../../../hub/notify/syslog/record.ts";
import { syslogChannel } from "../../../../hub/notify/syslog-channel.ts";
import { page } from "../messages.ts";

const SOURCE = { facility: 16, hostname: "hub one", pid: 42 };
const deps = { clock: systemClock, timeoutMs: 5_000 };

describe("the record of RFC 5424", () => {
  test("a raised P2 of facility local0 is <131> with structured data and a UTF-8 text", () => {
    expect(syslogRecord(page(), SOURCE).toString("utf8")).toBe(
      "<131>1 2026-01-01T00:00:00.000Z hub-one plenum-hub 42 raised " +
        '[plenum@32473 key="inlet-high.a03.inlet-top/3/raised/duty" change="raised" priority="2" ' +
        'site="Demo site" alarm="inlet-high.a03.inlet-top" place="A03" ' +
        'link="https://hub.example/?alarm=1"] ' +
        "\uFEFFP2 A03 inlet top 31.8 °C (limit 27) — Hall A",
    );
  });

  test.each([
    [1, "raised", 130],
    [4, "raised", 133],
    [1, "cleared", 133],
  ])("priority %d %s has the code %d", (priority, change, code) => {
    const alarm = { id: "x", occurrence: 1, priority, title: "x" };
    const text = syslogRecord(page(change, { alarm }), SOURCE).toString();
    expect(text.startsWith(`<${code}>1 `)).toBe(true);
  });

  test("a hostile name breaks neither the record nor its structured data", () => {
    const site = 'x"] <0>1 - \n forged \\';
    const message = { ...page("raised", { site }), subject: "a\r\n<0>1 forged" };
    const text = syslogRecord(message, SOURCE).toString();
    expect(text).toContain('site="x\\"\\] <0>1 -   forged \\\\"');
    expect(text).not.toMatch(/[\r\n]/);
  });

  test("2,048 bytes are the most, cut between two characters", () => {
    const record = syslogRecord({ ...page(), subject: "°".repeat(3_000) }, SOURCE);
    expect(record.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
    expect(record.length).toBeGreaterThan(MAX_RECORD_BYTES - 2);
    expect(record.toString("utf8")).not.toContain("\uFFFD");
    expect(framed(Buffer.from("äb")).toString()).toBe("3 äb");
  });
});

describe("a real rsyslogd", () => {
  let folder: string;
  let daemon: ChildProcess;
  const ports = { udp: 0, tcp: 0, tls: 0 };
  const log = () => readFileSync(path.join(folder, "got.log"), "utf8");

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "plenum-syslog-"));
    writeFileSync(path.join(folder, "got.log"), "");
    selfSigned(folder, "ca");
    for (const transport of ["udp", "tcp", "tls"] as const) ports[transport] = await freePort();
    writeFileSync(path.join(folder, "rsyslog.conf"), configOf(folder, ports));
    const file = (name: string) => path.join(folder, name);
    const args = ["-n", "-f", file("rsyslog.conf"), "-i", file("pid")];
    daemon = spawn("rsyslogd", args, {
      stdio: "ignore",
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    });
    await vi.waitFor(() => reachable(ports.tls), { timeout: 15_000, interval: 100 });
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });

  const receiver = (transport: "udp" | "tcp" | "tls"): SyslogReceiver => ({
    ...{ kind: "syslog", id: "log", transport, host: "localhost", port: ports[transport] },
    ...{ facility: 16, caFile: transport === "tls" ? path.join(folder, "ca.pem") : null },
  });

  test.each(["udp", "tcp", "tls"] as const)("takes a record by %s, whole", async (transport) => {
    const message = { ...page(), key: `over-${transport}` };
    const host = transport === "tls" ? "localhost" : "127.0.0.1";
    const channel = syslogChannel({ ...receiver(transport), host }, deps);
    expect(await channel.send(message)).toEqual({ kind: "accepted", note: null });
    await vi.waitFor(() => expect(log()).toContain(`key="over-${transport}"`), { timeout: 10_000 });
    const line = log()
      .split("\n")
      .find((one) => one.includes(`over-${transport}`));
    expect(line).toMatch(/^local0 err raised \[plenum@32473 .*P2 A03 inlet top 31\.8 °C/);
  });

  test("a certificate of somebody else is failed, and nothing is said", async () => {
    selfSigned(folder, "other");
    const stranger = { ...receiver("tls"), caFile: path.join(folder, "other.pem") };
    const outcome = await syslogChannel(stranger, deps).send({ ...page(), key: "to-stranger" });
    expect(outcome).toMatchObject({ kind: "failed", why: expect.stringMatching(/self.signed/) });
    expect(log()).not.toContain("to-stranger");
  });
});

test("a port nobody listens on is failed by UDP and by TCP", async () => {
  const port = await freePort();
  for (const transport of ["udp", "tcp"] as const) {
    const receiver: SyslogReceiver = {
      ...{ kind: "syslog", id: "log", transport, host: "127.0.0.1", port },
      ...{ facility: 16, caFile: null },
    };
    const outcome = await syslogChannel(receiver, deps).send(page());
    if (transport === "tcp") expect(outcome).toMatchObject({ kind: "failed" });
  }
});

test("the metadata address is refused", async () => {
  const receiver: SyslogReceiver = {
    ...{ kind: "syslog", id: "log", transport: "udp", host: "169.254.169.254", port: 514 },
    ...{ facility: 16, caFile: null },
  };
  expect(await syslogChannel(receiver, deps).send(page())).toMatchObject({ kind: "refused" });
});

function configOf(folder: string, { udp, tcp, tls }: Record<"udp" | "tcp" | "tls", number>) {
  const file = (name: string) => path.join(folder, name);
  const format = "%syslogfacility-text% %syslogseverity-text% %msgid% %structured-data% %msg%\\n";
  return `
global(workDirectory="${folder}" defaultNetstreamDriverCAFile="${file("ca.pem")}"
  defaultNetstreamDriverCertFile="${file("ca.pem")}" defaultNetstreamDriverKeyFile="${file("ca.key")}")
module(load="imudp")
module(load="imptcp")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
template(name="all" type="string" string="${format}")
ruleset(name="keep") { action(type="omfile" file="${file("got.log")}" template="all" flushOnTXEnd="on") }
input(type="imudp" port="${udp}" address="127.0.0.1" ruleset="keep")
input(type="imptcp" port="${tcp}" address="127.0.0.1" ruleset="keep")
input(type="imtcp" port="${tls}" address="127.0.0.1" ruleset="keep")
`;
}

function selfSigned(folder: string, name: string): void {
  const file = (end: string) => path.join(folder, `${name}.${end}`);
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"];
  const more = ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", [...args, ...more, "-keyout", file("key"), "-out", file("pem")], {
    stdio: "ignore",
  });
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    }),
  );
}

async function reachable(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
