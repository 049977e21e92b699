import { readFile } from "node:fs/promises";
import { isIP, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "./deadline.ts";
import { errorCode } from "./errno.ts";
import { DeviceError } from "./port.ts";

const HANDSHAKE_MS = 5_000;

/** How an upsd proves who it is. */
export interface NutTls {
  /** PEM file of what signed its certificate; left out, what this machine trusts. */
  ca?: string;
}

/**
 * The same connection through TLS, after upsd agreed. Throws `DeviceError`: "refused" when its
 * certificate is not signed by `ca` or names another host, "bus" when the handshake fails otherwise.
 */
export async function throughTls(
  plain: Socket,
  { ca, host, name, clock }: NutTls & { host: string; name: string; clock: Clock },
): Promise<TLSSocket> {
  const trusted = ca === undefined ? {} : { ca: await certificates(ca) };
  const socket = connect({
    ...{ socket: plain, host, ...trusted },
    ...(isIP(host) ? {} : { servername: host }),
  });
  const secured = new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", (error) => reject(tlsError(error, name)));
    socket.once("close", () => reject(new DeviceError("bus", `${name} ended the TLS handshake`)));
  });
  const late = () => new DeviceError("bus", `${name} did not finish TLS in ${HANDSHAKE_MS} ms`);
  try {
    await withDeadline(secured, HANDSHAKE_MS, clock, late);
    return socket;
  } catch (error) {
    // Whatever else the broken handshake has to say was said by the first error.
    socket.on("error", () => undefined).destroy();
    throw error;
  }
}

async function certificates(file: string): Promise<string> {
  try {
    return await readFile(file, "latin1");
  } catch (error) {
    throw new DeviceError("refused", `${file} cannot be read (${errorCode(error)})`);
  }
}

function tlsError(error: Error, name: string): DeviceError {
  const code = errorCode(error);
  const ofCertificate = /CERT|ALTNAME|SELF_SIGNED|UNABLE_TO|EXPIRED/.test(code);
  const what = ofCertificate ? "shows a certificate that is not trusted" : "failed in TLS";
  return new DeviceError(ofCertificate ? "refused" : "bus", `${name} ${what} (${code})`);
}
