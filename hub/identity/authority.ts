import { createHash, createPrivateKey, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { linkSync, mkdirSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import path from "node:path";
import type { Extension } from "@peculiar/x509";
import type { EpochMs } from "../../contract/clock.ts";
import { isId } from "../../contract/id.ts";
import { IdentityError, readPrivately, writePrivately } from "./key-files.ts";
import { loadX509 } from "./x509.ts";

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 20 * 365;
const SERVER_DAYS = 365;
export const NODE_DAYS = 90;
/** A Pi without a battery clock wakes up in the past; it must not take a new certificate for a future one. */
const BACKDATED_MS = DAY_MS;
const MAX_REQUEST_CHARS = 4_096;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

export interface NodeCertificate {
  node: string;
  /** Lower-case hexadecimal. */
  serial: string;
  certificate: string;
  issuedAt: EpochMs;
  expiresAt: EpochMs;
}

/** The hub's own small certificate authority. Everything is ECDSA P-256. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of its public key, base64url: what an edge node pins. */
  readonly keyHash: string;
  /** Key and chain of a server with these DNS names and IP addresses. */
  signServer(names: readonly string[], now: EpochMs): Promise<{ key: string; cert: string }>;
  /**
   * A client certificate for `node`. Only the public key of the request is used. Throws RequestError
   * when the request is none, or not signed by its own key.
   */
  signNode(node: string, request: string, now: EpochMs): Promise<NodeCertificate>;
  /** Key and certificate of a node that the hub itself plays; they stay in memory. */
  ownNode(node: string, now: EpochMs): Promise<NodeCertificate & { key: string }>;
}

/** The certificate request is not usable; the message says why. */
export class RequestError extends Error {
  override name = "RequestError";
}

/** Opens the authority in `folder`, making its key there on first use. Throws IdentityError. */
export async function openAuthority(folder: string, now: EpochMs): Promise<Authority> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, "ca.pem");
  const text = readPrivately(file) ?? (await makeAuthority(file, now));
  const [key, certificate] = [pemOf(text, "PRIVATE KEY"), pemOf(text, "CERTIFICATE")];
  if (!key || !certificate)
    throw new IdentityError(
      `${file} does not hold a key and a certificate. Restore it from a backup.`,
    );
  const { x509, issuer } = await signer(certificate, key);
  const issue = (subject: Subject) => issueWith({ x509, ...issuer, ...subject });
  const client = async (node: string, publicKey: webcrypto.CryptoKey, now: EpochMs) => {
    if (!isId(node)) throw new RangeError(`not a node id: ${JSON.stringify(node)}`);
    const expiresAt = now + NODE_DAYS * DAY_MS;
    const { cert, serial } = await issue({
      name: node,
      publicKey,
      extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      fromMs: now - BACKDATED_MS,
      toMs: expiresAt,
    });
    return { node, serial, certificate: cert, issuedAt: now, expiresAt };
  };
  return {
    certificate,
    keyHash: keyHashOf(new X509Certificate(certificate)),
    async signServer(names, now) {
      const { key, publicKey } = await freshKey();
      const { cert } = await issue({
        name: names[0] ?? "plenum-hub",
        publicKey,
        extensions: [
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({
              type: isIP(value) ? ("ip" as const) : ("dns" as const),
              value,
            })),
          ),
        ],
        fromMs: now - BACKDATED_MS,
        toMs: now + SERVER_DAYS * DAY_MS,
      });
      return { key, cert: `${cert}\n${certificate}` };
    },
    signNode: async (node, request, now) => client(node, await requestedKey(x509, request), now),
    async ownNode(node, now) {
      const { key, publicKey } = await freshKey();
      return { ...(await client(node, publicKey, now)), key };
    },
  };
}

/** SHA-256 of a certificate's public key, base64url. */
export function keyHashOf({ publicKey }: X509Certificate): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("base64url");
}

/** The same of the first certificate of a chain in PEM. */
export const keyHashOfServer = (chain: string): string => keyHashOf(new X509Certificate(chain));

type X509 = Awaited<ReturnType<typeof loadX509>>;

interface Subject {
  name: string;
  publicKey: webcrypto.CryptoKey;
  extensions: Extension[];
  fromMs: EpochMs;
  toMs: EpochMs;
}

interface Issue extends Subject {
  x509: X509;
  issuer: string;
  signingKey: webcrypto.CryptoKey;
  issuerKey: webcrypto.CryptoKey;
}

async function issueWith(deps: Issue): Promise<{ cert: string; serial: string }> {
  const { x509, name, publicKey, extensions, issuer, signingKey, issuerKey } = deps;
  const serial = newSerial();
  const cert = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial,
      subject: [{ CN: [name] }],
      issuer,
      notBefore: new Date(deps.fromMs),
      notAfter: new Date(deps.toMs),
      signingAlgorithm: SIGNING,
      publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        await x509.AuthorityKeyIdentifierExtension.create(issuerKey),
        ...extensions,
      ],
    },
    webcrypto,
  );
  return { cert: cert.toString("pem"), serial };
}

async function signer(certificate: string, key: string) {
  const x509 = await loadX509();
  x509.cryptoProvider.set(webcrypto);
  const parsed = new x509.X509Certificate(certificate);
  const issuerKey = await parsed.publicKey.export(ALGORITHM, ["verify"], webcrypto);
  const signingKey = await importPrivate(key);
  return { x509, issuer: { issuer: parsed.subject, signingKey, issuerKey } };
}

/** Makes the key once, even when a hub and a command do so at the same moment: both use the first. */
async function makeAuthority(file: string, now: EpochMs): Promise<string> {
  const x509 = await loadX509();
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const flags = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const cert = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: newSerial(),
      name: [{ CN: [`Plenum hub ${randomBytes(4).toString("hex")}`] }],
      notBefore: new Date(now - BACKDATED_MS),
      notAfter: new Date(now + AUTHORITY_DAYS * DAY_MS),
      signingAlgorithm: SIGNING,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(flags, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  const key = await exportPrivate(keys.privateKey);
  const draft = `${file}.${process.pid}`;
  writePrivately(draft, `${key}${cert.toString("pem")}\n`);
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
  return readPrivately(file)!;
}

async function requestedKey(x509: X509, request: string): Promise<webcrypto.CryptoKey> {
  if (request.length > MAX_REQUEST_CHARS)
    throw new RequestError("the certificate request is too long");
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    if (await parsed.verify(webcrypto))
      return await parsed.publicKey.export(ALGORITHM, ["verify"], webcrypto);
  } catch {
    // Whatever the parser says of hostile bytes, the request is not usable.
    throw new RequestError("the certificate request is not one for an ECDSA P-256 key");
  }
  throw new RequestError("the certificate request is not signed by its own key");
}

async function freshKey() {
  const { publicKey, privateKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ]);
  return { publicKey, key: await exportPrivate(privateKey) };
}

async function exportPrivate(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const pem = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return pem.export({ type: "pkcs8", format: "pem" }).toString();
}

function importPrivate(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
}

/** 128 bits; the first byte keeps it positive and without leading zeros, so that it has one spelling. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString("hex");
}

function pemOf(text: string, label: string): string | undefined {
  return new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----\n?`).exec(text)?.[0];
}
