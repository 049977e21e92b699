import { generateKeyPairSync, sign } from "node:crypto";

/** DER: tag, length, content (ITU-T X.690). Contents here stay below 65,536 bytes. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const UTF8_STRING = 0x0c;
const SEQUENCE = 0x30;
const SET = 0x31;
const ATTRIBUTES = 0xa0;
/** Object identifiers with their tag and length: commonName, ecdsa-with-SHA256 (RFC 5912). */
const COMMON_NAME = Buffer.from("0603550403", "hex");
const ECDSA_WITH_SHA256 = Buffer.from("06082a8648ce3d040302", "hex");

/**
 * A new private key and a PKCS #10 request (RFC 2986) for it, both PEM. Made by hand because this is all
 * a node needs of X.509, and the package for it takes 25 MB of a Pi's memory.
 */
export function newCertificateRequest(node: string): { key: string; request: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(node)));
  const info = der(
    SEQUENCE,
    der(INTEGER, Buffer.from([0])),
    der(SEQUENCE, der(SET, name)),
    publicKey.export({ type: "spki", format: "der" }),
    der(ATTRIBUTES),
  );
  const signature = sign("sha256", info, privateKey);
  const request = der(
    SEQUENCE,
    info,
    der(SEQUENCE, ECDSA_WITH_SHA256),
    der(BIT_STRING, Buffer.from([0]), signature),
  );
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    request: pem("CERTIFICATE REQUEST", request),
  };
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
