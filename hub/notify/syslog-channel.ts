import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { createConnection, isIP, type Socket } from "node:net";
import { hostname } from "node:os";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../contract/clock.ts";
import type { SyslogReceiver } from "../config/receiver-config.ts";
import { refusedAddress } from "./address-guard.ts";
import { type Channel, type Outcome, oneLine, withDeadline } from "./channel.ts";
import { RefusedTarget } from "./http-call.ts";
import { framed, syslogRecord } from "./syslog/record.ts";

const TIMEOUT_MS = 5_000;

export interface SyslogDeps {
  clock: Clock;
  timeoutMs?: number;
}

/**
 * One RFC 5424 record per message. Syslog confirms nothing: over UDP `accepted` says only that it left this
 * machine; over TCP and TLS that the other side read to the end and closed, or at least took the connection.
 */
export function syslogChannel(
  receiver: SyslogReceiver,
  { clock, timeoutMs = TIMEOUT_MS }: SyslogDeps,
): Channel {
  const source = { facility: receiver.facility, hostname: hostname(), pid: process.pid };
  const { transport } = receiver;
  return {
    kind: "syslog",
    async send(message): Promise<Outcome> {
      const record = syslogRecord(message, source);
      try {
        await withDeadline(clock, timeoutMs, async (signal) => {
          const address = await addressOf(receiver.host);
          if (transport === "udp") await sendDatagram(record, address, receiver.port);
          else await sendStream(framed(record), await open(receiver, address, signal), signal);
        });
        return { kind: "accepted", note: null };
      } catch (error) {
        const why = oneLine((error as Error).message);
        return { kind: error instanceof RefusedTarget ? "refused" : "failed", why };
      }
    },
  };
}

/** The address of a host of one's own network; where no receiver can be is refused. */
export async function addressOf(host: string): Promise<string> {
  const address = isIP(host) ? host : (await lookup(host)).address;
  const refused = refusedAddress(address, true);
  if (refused) throw new RefusedTarget(refused);
  return address;
}

function sendDatagram(record: Buffer, address: string, port: number): Promise<void> {
  const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
  return new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    // Connected, so that "nobody listens there" is heard of on this machine's own network.
    socket.connect(port, address, () =>
      socket.send(record, (error) => (error ? reject(error) : resolve())),
    );
  }).finally(() => socket.close());
}

async function open(
  { transport, host, port, caFile }: SyslogReceiver,
  address: string,
  signal: AbortSignal,
): Promise<Socket> {
  const ca = caFile === null ? undefined : await readFile(caFile);
  const isTls = transport === "tls";
  const socket = isTls
    ? connectTls({ host: address, port, ...(ca && { ca }), ...nameOf(host) })
    : createConnection({ host: address, port });
  await happens(socket, isTls ? "secureConnect" : "connect", signal);
  return socket;
}

/** The certificate must be that of the name in site.yaml, not of the address it led to. */
const nameOf = (host: string) => (isIP(host) ? {} : { servername: host });

async function sendStream(bytes: Buffer, socket: Socket, signal: AbortSignal): Promise<void> {
  socket.resume();
  const closed = happens(socket, "close", signal);
  socket.end(bytes);
  await closed;
}

function happens(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", stop);
    socket.once(event, () => {
      signal.removeEventListener("abort", stop);
      socket.off("error", reject);
      resolve();
    });
    socket.once("error", reject);
    if (signal.aborted) stop();
  });
}
