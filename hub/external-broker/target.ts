import { readFileSync } from "node:fs";

/** A broker of its own that the hub connects to. The files are read again at every connection. */
export interface ExternalTarget {
  /** `mqtts://host:port`; `mqtt://` on loopback only. */
  url: string;
  /** Absolute paths of PEM files; all three with `mqtts:`, none without. */
  tls: { ca: string; cert: string; key: string } | null;
}

/** What a TLS connection needs, as the files say now. Throws the error of the file that cannot be read. */
export function credentialsOf({ tls }: ExternalTarget): {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
} {
  if (!tls) return {};
  return { ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
}
