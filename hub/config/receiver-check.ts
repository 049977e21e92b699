import { isRefusedTarget } from "../notify/address-guard.ts";
import type { Receiver } from "./hub-config.ts";
import type { ReceiverText } from "./site-schema.ts";
import type { Path } from "./source.ts";

type Problem = [key: Path, text: string];
/** Resolves a reference and reports by itself when it cannot. */
type Resolve = (reference: string, key: Path) => string | undefined;

const SMTP_PORT = 25;
const SMTPS_PORT = 465;

/** Makes a receiver of what was written, or says everything that does not fit together in it. */
export function toReceiver(
  { id, email, webhook }: ReceiverText,
  resolve: Resolve,
): { receiver: Receiver } | { problems: Problem[] } {
  if (email && webhook)
    return { problems: [[["webhook"], "one way per receiver; write a second one"]] };
  if (email) return toEmail(id, email, resolve);
  if (webhook) return toWebhook(id, webhook, resolve);
  return { problems: [[[], "says no way to reach anybody; needs email or webhook"]] };
}

function toEmail(
  id: string,
  email: NonNullable<ReceiverText["email"]>,
  resolve: Resolve,
): { receiver: Receiver } | { problems: Problem[] } {
  const { to, from, user, password } = email;
  if ((user === undefined) !== (password === undefined)) {
    const [there, missing] = user === undefined ? ["password", "user"] : ["user", "password"];
    return { problems: [[["email", there], `needs ${missing} as well`]] };
  }
  const secret = password && resolve(password, ["email", "password"]);
  const { protocol, hostname, port } = new URL(email.server);
  const secure = protocol === "smtps:";
  const server = {
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (secure ? SMTPS_PORT : SMTP_PORT) : Number(port),
    secure,
    ...(user && { user }),
    ...(secret && { password: secret }),
  };
  return { receiver: { kind: "email", id, to, from, server } };
}

function toWebhook(
  id: string,
  webhook: NonNullable<ReceiverText["webhook"]>,
  resolve: Resolve,
): { receiver: Receiver } | { problems: Problem[] } {
  const { url, allowPrivate } = webhook;
  const { protocol, hostname } = new URL(url);
  const problems: Problem[] = [];
  const refused = isRefusedTarget(hostname, allowPrivate);
  if (refused) problems.push([["webhook", "url"], refused]);
  else if (protocol === "http:" && !allowPrivate)
    problems.push([
      ["webhook", "url"],
      "is not encrypted; write https, or allowPrivate: true inside your own network",
    ]);
  const key: Path = ["webhook", "secret"];
  const secret = webhook.secret === undefined ? null : (resolve(webhook.secret, key) ?? null);
  if (problems.length > 0) return { problems };
  return { receiver: { kind: "webhook", id, url, secret, allowPrivate } };
}
