import { isIP } from "node:net";
import {
  AuthProtocols,
  createSession,
  createV3Session,
  ObjectType,
  PrivProtocols,
  SecurityLevel,
  type Session,
  type SessionOptions,
  Version2c,
} from "net-snmp";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { SnmpReceiver, SnmpUser } from "../config/receiver-config.ts";
import { type Channel, oneLine, withDeadline } from "./channel.ts";
import { RefusedTarget } from "./http-call.ts";
import { type SnmpNotification, snmpNotification } from "./snmp/notification.ts";
import { addressOf } from "./syslog-channel.ts";

const TIMEOUT_MS = 10_000;
const TRIES = 3;
/** RFC 3411, 5: the enterprise of Net-SNMP, then 4, which says that a text follows. */
const ENGINE_ID_HEAD = "80001f8804";
const ENGINE_TIME_START_S = Date.UTC(2020, 0, 1) / 1_000;

export interface SnmpDeps {
  clock: Clock;
  timeoutMs?: number;
}

/** An SNMP notification per message: `delivered` when an inform was confirmed; a trap is `accepted`, and may be lost. */
export function snmpChannel(
  receiver: SnmpReceiver,
  { clock, timeoutMs = TIMEOUT_MS }: SnmpDeps,
): Channel {
  return {
    kind: "snmp",
    async send(message) {
      try {
        await withDeadline(clock, timeoutMs, async (signal) => {
          const address = await addressOf(receiver.host);
          const session = openSession(receiver, address, timeoutMs);
          try {
            await notify(session, receiver, { told: snmpNotification(message), clock, signal });
          } finally {
            session.close();
          }
        });
        return receiver.inform ? { kind: "delivered" } : { kind: "accepted", note: null };
      } catch (error) {
        const why = oneLine((error as Error).message);
        return { kind: error instanceof RefusedTarget ? "refused" : "failed", why };
      }
    },
  };
}

/** The engine id of traps in hex, as a receiver needs it (`createUser -e 0x…` of snmptrapd). */
export const engineIdOf = (name: string): string =>
  ENGINE_ID_HEAD + Buffer.from(name, "ascii").toString("hex");

interface Sending {
  told: SnmpNotification;
  clock: Clock;
  signal: AbortSignal;
}

function notify(
  session: Session,
  { inform }: SnmpReceiver,
  { told, clock, signal }: Sending,
): Promise<void> {
  const varbinds = told.values.map(({ oid, value }) => ({
    oid,
    type: typeof value === "number" ? ObjectType.Integer : ObjectType.OctetString,
    value,
  }));
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => (error ? reject(error) : resolve());
    signal.addEventListener("abort", () => reject(signal.reason));
    session.on("error", reject);
    if (inform) session.inform(told.oid, varbinds, done);
    else {
      stampTraps(session, clock.nowMs());
      session.trap(told.oid, varbinds, done);
    }
  });
}

/**
 * The sender of a v3 trap is the authority on time, and receivers refuse a time that goes back by more than
 * 150 s (RFC 3414, 3.2). net-snmp 3.29 always sends 0, so a second trap would be refused; seconds since
 * 2020 go on growing over restarts.
 */
function stampTraps(session: Session, now: EpochMs): void {
  const send = session.send.bind(session);
  session.send = (request, noWait) => {
    const parameters = request.message.msgSecurityParameters;
    if (parameters) {
      parameters.msgAuthoritativeEngineBoots = 1;
      parameters.msgAuthoritativeEngineTime = Math.floor(now / 1_000) - ENGINE_TIME_START_S;
    }
    send(request, noWait);
  };
}

function openSession({ as, port }: SnmpReceiver, address: string, timeoutMs: number): Session {
  const options: SessionOptions = {
    ...{ trapPort: port, port, retries: TRIES - 1 },
    timeout: Math.floor(timeoutMs / (TRIES + 1)),
    transport: isIP(address) === 6 ? "udp6" : "udp4",
  };
  if (as.version === "2c")
    return createSession(address, as.community, { ...options, version: Version2c });
  return createV3Session(address, userOf(as), { ...options, engineID: engineIdOf(as.engine) });
}

function userOf({ user, auth, priv }: SnmpUser) {
  const { authNoPriv, authPriv } = SecurityLevel;
  return {
    name: user,
    level: priv ? authPriv : authNoPriv,
    authProtocol: AuthProtocols[auth.protocol],
    authKey: auth.password,
    ...(priv && { privProtocol: PrivProtocols[priv.protocol], privKey: priv.password }),
  };
}
