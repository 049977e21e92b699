import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { keyHashOf, openAuthority } from "../../../hub/identity/authority.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-ca-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("the authority is made once, in a file only its owner can read, and opened again as the same", async () => {
  const [first, second] = await Promise.all([
    openAuthority(folder, NOW),
    openAuthority(folder, NOW),
  ]);
  const again = await openAuthority(folder, NOW + DAY_MS);
  expect([second.keyHash, again.keyHash]).toEqual([first.keyHash, first.keyHash]);
  expect(again.certificate).toBe(first.certificate);
  expect(statSync(path.join(folder, "ca.pem")).mode & 0o777).toBe(0o600);
  const certificate = new X509Certificate(first.certificate);
  expect(certificate.ca).toBe(true);
  expect(keyHashOf(certificate)).toBe(first.keyHash);
});

test("a key that others can read stops the hub with the file's name and what to do", async () => {
  await openAuthority(folder, NOW);
  chmodSync(path.join(folder, "ca.pem"), 0o644);
  await expect(openAuthority(folder, NOW)).rejects.toThrow(/ca\.pem .*mode 644.*chmod 600/);
});

test("a node's certificate has the name the hub gives, 90 days, client use only, whatever the request says", async () => {
  const authority = await openAuthority(folder, NOW);
  const { request } = newCertificateRequest("somebody-else");
  const issued = await authority.signNode("edge-hall", request, NOW);
  const certificate = new X509Certificate(issued.certificate);
  expect(certificate.subject).toBe("CN=edge-hall");
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
  expect(certificate.serialNumber.toLowerCase()).toBe(issued.serial);
  expect(Date.parse(certificate.validTo)).toBe(NOW + 90 * DAY_MS);
  expect(Date.parse(certificate.validFrom)).toBe(NOW - DAY_MS);
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
});

test("a server's certificate carries its names and addresses and comes with the authority's own", async () => {
  const authority = await openAuthority(folder, NOW);
  const { cert, key } = await authority.signServer(["hub.example.net", "192.0.2.10", "::1"], NOW);
  const leaf = new X509Certificate(cert);
  expect(leaf.checkHost("hub.example.net")).toBe("hub.example.net");
  expect([leaf.checkIP("192.0.2.10"), leaf.checkIP("::1")]).toEqual(["192.0.2.10", "::1"]);
  expect(leaf.checkHost("other.example.net")).toBeUndefined();
  expect(leaf.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
  expect(cert).toContain(authority.certificate.trim());
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
});

test.each([
  ["nothing", ""],
  ["text", "hello"],
  [
    "a certificate",
    () =>
      readFileSync(path.join(folder, "ca.pem"), "utf8").replace(/^[\s\S]*?(?=-----BEGIN CERT)/, ""),
  ],
  ["5,000 characters", "x".repeat(5_000)],
  ["a request altered after it was signed", () => altered()],
])("%s is refused as a request", async (_, request) => {
  const authority = await openAuthority(folder, NOW);
  const text = typeof request === "string" ? request : request();
  await expect(authority.signNode("edge-hall", text, NOW)).rejects.toThrow(/certificate request/);
});

/** A request that was altered after it was signed: one letter of its name. */
function altered(): string {
  const { request } = newCertificateRequest("edge-hall");
  const bytes = Buffer.from(request.replace(/-----.*-----|\s/g, ""), "base64");
  bytes.write("x", bytes.indexOf("edge-hall"));
  return `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
}
