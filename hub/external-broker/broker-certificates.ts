import { createPrivateKey, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { EpochMs } from "../../contract/clock.ts";
import { openAuthority } from "../identity/authority.ts";
import { loadX509 } from "../identity/x509.ts";
import { HUB_NAME } from "./mosquitto-config.ts";

const DAY_MS = 86_400_000;
/** A broker refuses everybody once its list is out of date; how fresh it is depends on who writes it. */
const LIST_DAYS = 3_650;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;

/** Everything in PEM. */
export interface BrokerCertificates {
  ca: string;
  broker: { cert: string; key: string };
  /** The hub's own, as a client. */
  hub: { cert: string; key: string };
  /** Signed list of certificates that are no longer good. */
  revoked: string;
}

export interface CertificateWish {
  /** Folder of the hub's authority. */
  folder: string;
  /** DNS names and IP addresses by which nodes and hubs reach the broker. */
  names: readonly string[];
  revoked: readonly { serial: string; at: EpochMs }[];
  now: EpochMs;
}

/** Certificates for a broker and its hub from the hub's own authority. */
export async function issueForBroker(wish: CertificateWish): Promise<BrokerCertificates> {
  const { folder, names, revoked, now } = wish;
  const authority = await openAuthority(folder, now);
  const request = await requestFor(HUB_NAME);
  const hub = await authority.signNode(HUB_NAME, request.text, now);
  return {
    ca: authority.certificate,
    broker: await authority.signServer(names, now),
    hub: { cert: hub.certificate, key: request.key },
    revoked: await signedList(folder, revoked, now),
  };
}

/** A new key, and the request for a certificate of it. */
export async function requestFor(name: string): Promise<{ key: string; text: string }> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    { name: [{ CN: [name] }], keys, signingAlgorithm: SIGNING },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return {
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    text: request.toString("pem"),
  };
}

async function signedList(
  folder: string,
  revoked: CertificateWish["revoked"],
  now: EpochMs,
): Promise<string> {
  const x509 = await loadX509();
  const text = readFileSync(path.join(folder, "ca.pem"), "utf8");
  const issuer = new x509.X509Certificate(text.slice(text.indexOf("-----BEGIN CERTIFICATE-----")));
  const der = createPrivateKey(text).export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: issuer.subject,
      thisUpdate: new Date(now - DAY_MS),
      nextUpdate: new Date(now + LIST_DAYS * DAY_MS),
      entries: revoked.map(({ serial, at }) => ({
        serialNumber: serial,
        revocationDate: new Date(at),
      })),
      signingAlgorithm: SIGNING,
      signingKey,
    },
    webcrypto,
  );
  // The package's own PEM begins with words that OpenSSL does not know.
  const base64 =
    Buffer.from(list.rawData)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN X509 CRL-----", ...base64, "-----END X509 CRL-----", ""].join("\n");
}
