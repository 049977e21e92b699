import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { openNutClient } from "../../../edge/bus/nut-client.ts";
import { NUT_ADMIN, NutServer } from "./nut-server.ts";

const PASSWORD = "test";

/** A CA, a certificate of it for localhost, and the NSS database in which Debian's upsd wants it. */
class Certificates {
  readonly folder = mkdtempSync(path.join(tmpdir(), "plenum-nut-tls-"));
  readonly ca = this.#file("ca.pem");
  readonly otherCa = this.#file("other.pem");
  readonly upsdConf: string;

  constructor() {
    const database = this.#file("nss");
    mkdirSync(database);
    this.#selfSigned("ca", "/CN=Test CA");
    this.#selfSigned("other", "/CN=Other CA");
    const request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    this.#openssl(
      "req",
      ...request,
      "-keyout",
      "upsd.key",
      "-out",
      "upsd.csr",
      "-subj",
      "/CN=upsd",
    );
    writeFileSync(this.#file("upsd.ext"), "subjectAltName=DNS:localhost\n");
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30"];
    const files = ["-in", "upsd.csr", "-out", "upsd.pem", "-extfile", "upsd.ext"];
    this.#openssl("x509", "-req", ...signed, ...files);
    const bundle = ["-inkey", "upsd.key", "-in", "upsd.pem", "-certfile", "ca.pem"];
    const out = ["-name", "upsd", "-passout", `pass:${PASSWORD}`, "-out", "upsd.p12"];
    this.#openssl("pkcs12", "-export", ...bundle, ...out);
    writeFileSync(this.#file("password"), PASSWORD);
    const nss = (program: string, ...args: string[]) =>
      execFileSync(program, ["-d", `sql:${database}`, ...args], { cwd: this.folder });
    nss("certutil", "-N", "-f", "password");
    nss("pk12util", "-i", "upsd.p12", "-k", "password", "-W", PASSWORD);
    nss("certutil", "-A", "-n", "ca", "-t", "CT,,", "-i", "ca.pem", "-f", "password");
    this.upsdConf = `CERTPATH ${database}\nCERTIDENT "upsd" "${PASSWORD}"\n`;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    return path.join(this.folder, name);
  }
  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.folder, stdio: "pipe" });
  }
  #selfSigned(name: string, subject: string): void {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    this.#openssl("req", "-x509", ...key, ...files, "-subj", subject, "-days", "30");
  }
}

let certificates: Certificates;
let server: NutServer;
let plain: NutServer;
const UPS = { "ups-a": { "ups.status": "OL", "ups.load": "42" } };
beforeAll(async () => {
  certificates = new Certificates();
  [server, plain] = await Promise.all([
    NutServer.start(UPS, [], certificates.upsdConf),
    NutServer.start(UPS),
  ]);
});
afterAll(async () => {
  await server?.close();
  await plain?.close();
  certificates?.remove();
});

const open = (tls: { ca?: string }, to = server, host = "localhost") =>
  openNutClient({ host, port: to.port, clock: systemClock, login: NUT_ADMIN, tls });

test("through TLS a real upsd takes the login and gives every variable", async () => {
  const nut = await open({ ca: certificates.ca });
  expect((await nut.list("ups-a")).get("ups.load")).toBe("42");
  expect(await nut.get("ups-a", "ups.status")).toBe("OL");
  await nut.close();
});

test("an upsd whose certificate another CA signed is refused before it hears the password", async () => {
  await expect(open({ ca: certificates.otherCa })).rejects.toMatchObject({
    reason: "refused",
    message: expect.stringContaining("not trusted"),
  });
});

test("a certificate for another name than the one asked for is refused", async () => {
  await expect(open({ ca: certificates.ca }, server, "127.0.0.1")).rejects.toMatchObject({
    reason: "refused",
    message: expect.stringContaining("ALTNAME"),
  });
});

test("a certificate of nobody this machine trusts is refused when no CA is named", async () => {
  await expect(open({})).rejects.toMatchObject({ reason: "refused" });
});

test("an upsd without TLS is refused instead of being asked in the clear", async () => {
  await expect(open({ ca: certificates.ca }, plain)).rejects.toMatchObject({
    reason: "refused",
    message: expect.stringContaining("FEATURE-NOT-CONFIGURED"),
  });
});

test("a CA file that is not there is told by its name", async () => {
  await expect(open({ ca: "/nowhere/ca.pem" })).rejects.toMatchObject({
    reason: "refused",
    message: expect.stringContaining("/nowhere/ca.pem"),
  });
});
