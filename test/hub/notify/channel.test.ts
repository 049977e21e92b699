import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import type { EmailReceiver, WebhookReceiver } from "../../../hub/config/hub-config.ts";
import { isRefusedTarget, refusedAddress } from "../../../hub/notify/address-guard.ts";
import type { Channel, OutgoingMessage } from "../../../hub/notify/channel.ts";
import { emailChannel, messageId } from "../../../hub/notify/email-channel.ts";
import { signatureOf, webhookChannel } from "../../../hub/notify/webhook-channel.ts";
import {
  httpOther,
  type Manner,
  type Other,
  silentOther,
  smtpOther,
  tricklingOther,
} from "./servers.ts";

const MESSAGE: OutgoingMessage = {
  key: "inlet-high.a03.inlet-top/3/raised/1767225600000/duty",
  subject: "P2 A03 inlet top 31.8 °C (limit 27) — Hall A",
  text: "A03 inlet top 31.8 °C\nlimit 27 °C",
  data: { change: "raised", alarm: { id: "inlet-high.a03.inlet-top" } },
  createdAt: Date.UTC(2026, 0, 1),
};
const TIMEOUT_MS = 1_000;
const deps = { clock: systemClock, timeoutMs: TIMEOUT_MS };

function email(port: number, to = ["duty@example.net"]): EmailReceiver {
  const server = { host: "127.0.0.1", port, secure: false };
  return { kind: "email", id: "duty", to, from: "plenum@example.net", server };
}
function hook(port: number, extra: Partial<WebhookReceiver> = {}): WebhookReceiver {
  const url = `http://127.0.0.1:${port}/hook`;
  return { kind: "webhook", id: "desk", url, secret: "key", allowPrivate: true, ...extra };
}
const STATUS: Record<Manner, number> = { accept: 204, refuse: 403, busy: 503, hang: 0 };

const open: { close(): Promise<void> }[] = [];
const opened = <T extends { close(): Promise<void> }>(other: T): T => {
  open.push(other);
  return other;
};
afterEach(async () => {
  for (const other of open.splice(0)) await other.close();
});

const seams: [string, () => Promise<Other>, (port: number) => Channel, "accepted" | "delivered"][] =
  [
    ["email", smtpOther, (port) => emailChannel(email(port), deps), "accepted"],
    [
      "webhook",
      () => httpOther((manner) => STATUS[manner]),
      (port) => webhookChannel(hook(port), deps),
      "delivered",
    ],
  ];

describe.each(seams)("%s channel", (_name, openOther, channelTo, success) => {
  test(`a taken message is ${success}`, async () => {
    const other = opened(await openOther());
    expect(await channelTo(other.port).send(MESSAGE)).toMatchObject({ kind: success });
    expect(other.received).toHaveLength(1);
  });

  test("a final no is refused, and says why", async () => {
    const other = opened(await openOther());
    other.manner = "refuse";
    const outcome = await channelTo(other.port).send(MESSAGE);
    expect(outcome).toMatchObject({
      kind: "refused",
      why: expect.stringMatching(/403|550|mailbox/),
    });
  });

  test("a temporary no is failed; the next attempt carries the same key and gets through", async () => {
    const other = opened(await openOther());
    const channel = channelTo(other.port);
    other.manner = "busy";
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: "failed" });
    other.manner = "accept";
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: success });
    expect(other.received.map(({ key }) => key)).toEqual([MESSAGE.key, MESSAGE.key]);
  });

  test("silence after the message ends in time as failed, under the same key next time", async () => {
    const other = opened(await openOther());
    const channel = channelTo(other.port);
    other.manner = "hang";
    const began = performance.now();
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: "failed" });
    expect(performance.now() - began).toBeLessThan(TIMEOUT_MS * 10);
    other.manner = "accept";
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: success });
    expect(new Set(other.received.map(({ key }) => key))).toEqual(new Set([MESSAGE.key]));
  });

  test("a port that says nothing, and one where nobody listens, are failed", async () => {
    const silent = await silentOther();
    const channel = channelTo(silent.port);
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: "failed" });
    await silent.close();
    expect(await channel.send(MESSAGE)).toMatchObject({
      kind: "failed",
      why: expect.stringContaining("ECONNREFUSED"),
    });
  });
});

describe("email", () => {
  test("carries subject, text, date and a Message-ID that depends only on the key", async () => {
    const other = opened(await smtpOther());
    await emailChannel(email(other.port), deps).send(MESSAGE);
    const { body } = other.received[0]!;
    expect(body).toContain(`Message-ID: ${messageId(MESSAGE.key, "plenum@example.net")}`);
    expect(body).toContain("Date: Thu, 01 Jan 2026 00:00:00 +0000");
    expect(body).toContain("Auto-Submitted: auto-generated");
    expect(body).toMatch(/^Subject: =\?UTF-8\?/m);
    expect(messageId("other", "plenum@example.net")).not.toBe(
      messageId(MESSAGE.key, "plenum@example.net"),
    );
  });

  test("a line break in a subject makes no header", async () => {
    const other = opened(await smtpOther());
    const subject = "P2 x\r\nBcc: thief@example.net";
    await emailChannel(email(other.port), deps).send({ ...MESSAGE, subject });
    expect(other.received[0]?.body).not.toMatch(/^Bcc:/m);
  });

  test("one refused address of two is accepted, and named", async () => {
    const other = opened(await smtpOther());
    const channel = emailChannel(email(other.port, ["duty@example.net", "gone@example.net"]), deps);
    expect(await channel.send(MESSAGE)).toEqual({
      kind: "accepted",
      note: "refused for gone@example.net",
    });
  });

  test("a server that says one word after another for ever does not hold the message for ever", async () => {
    const other = opened(await tricklingOther());
    expect(await emailChannel(email(other.port), deps).send(MESSAGE)).toEqual({
      kind: "failed",
      why: `no answer within ${TIMEOUT_MS / 1_000} s`,
    });
  });

  test("a wrong password is failed, not final: somebody will mend it", async () => {
    const other = opened(await smtpOther());
    const receiver = email(other.port);
    receiver.server = { ...receiver.server, user: "plenum", password: "wrong" };
    expect(await emailChannel(receiver, deps).send(MESSAGE)).toMatchObject({ kind: "failed" });
    expect(other.received).toHaveLength(0);
  });
});

describe("webhook", () => {
  test("signs the timestamp and the body", async () => {
    const other = opened(await httpOther(() => 200));
    await webhookChannel(hook(other.port), deps).send(MESSAGE);
    const { headers, body } = other.received[0]!;
    const timestamp = String(headers["x-plenum-timestamp"]);
    expect(headers["x-plenum-signature"]).toBe(`sha256=${signatureOf("key", timestamp, body)}`);
    expect(signatureOf("key", "1767225600", '{"a":1}')).toBe(
      "80f7b75f8618b9b24d72673996a625f1a43f7387a26b6739d667431724fe4d23",
    );
    expect(JSON.parse(body)).toEqual({ key: MESSAGE.key, ...MESSAGE.data });
  });

  test("without a secret it is not signed", async () => {
    const other = opened(await httpOther(() => 200));
    await webhookChannel(hook(other.port, { secret: null }), deps).send(MESSAGE);
    expect(other.received[0]?.headers).not.toHaveProperty("x-plenum-signature");
  });

  test.each([
    [200, "delivered"],
    [302, "refused"],
    [400, "refused"],
    [408, "failed"],
    [409, "failed"],
    [410, "refused"],
    [429, "failed"],
    [500, "failed"],
  ])("an answer of %d is %s", async (status, kind) => {
    const other = opened(await httpOther(() => status));
    expect((await webhookChannel(hook(other.port), deps).send(MESSAGE)).kind).toBe(kind);
    expect(other.received).toHaveLength(1);
  });

  const asked = (url: string, allowPrivate: boolean, ...addresses: string[]) => {
    const lookup = ((_name: string, _options: unknown, callback: (...args: unknown[]) => void) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      )) as unknown as typeof import("node:dns").lookup;
    return webhookChannel(hook(1, { url, allowPrivate }), { ...deps, lookup }).send(MESSAGE);
  };

  test("a name that leads to a private address is refused before anything is sent", async () => {
    const other = opened(await httpOther(() => 200));
    const url = `http://rebound.example.net:${other.port}/`;
    expect(await asked(url, false, "127.0.0.1")).toEqual({
      kind: "refused",
      why: "rebound.example.net: 127.0.0.1 is a private address; needs allowPrivate: true",
    });
    expect(await asked(url, false, "93.184.216.34", "10.0.0.1")).toMatchObject({ kind: "refused" });
    expect(await asked(url, true, "169.254.169.254")).toMatchObject({ kind: "refused" });
    expect(other.received).toHaveLength(0);
    expect(await asked(url, true, "127.0.0.1")).toEqual({ kind: "delivered" });
    expect(other.received).toHaveLength(1);
  });

  test("a private address in the URL itself is refused", async () => {
    const other = opened(await httpOther(() => 200));
    const channel = webhookChannel(hook(other.port, { allowPrivate: false }), deps);
    expect(await channel.send(MESSAGE)).toMatchObject({ kind: "refused" });
    expect(other.received).toHaveLength(0);
  });
});

describe("addresses", () => {
  const PRIVATE = ["127.0.0.1", "10.9.8.7", "172.31.0.1", "192.168.1.1", "100.64.0.1", "::1"];
  const PRIVATE_V6 = [
    "fd12::1",
    "fc00::1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "0:0:0:0:0:FFFF:7f00:1",
  ];
  const NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1%eth0",
  ];
  const NEVER_V6 = [
    "fd00:ec2::254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "ff02::1",
    "::ffff:169.254.1.1",
  ];
  const PUBLIC = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"];

  test.each([...PRIVATE, ...PRIVATE_V6])("%s needs allowPrivate", (address) => {
    expect(refusedAddress(address, false)).toMatch(/private/);
    expect(refusedAddress(address, true)).toBeUndefined();
  });
  test.each([...NEVER, ...NEVER_V6, "not-an-address"])("%s is never a receiver", (address) => {
    expect(refusedAddress(address, false)).toBeDefined();
    expect(refusedAddress(address, true)).toBeDefined();
  });
  test.each(PUBLIC)("%s is allowed", (address) => {
    expect(refusedAddress(address, false)).toBeUndefined();
  });
  test.each([
    ["localhost", true],
    ["x.localhost.", true],
    ["[::1]", true],
    ["example.net", false],
  ])("host %s is refused: %s", (host, refused) => {
    expect(isRefusedTarget(host, false) !== undefined).toBe(refused);
  });
});
