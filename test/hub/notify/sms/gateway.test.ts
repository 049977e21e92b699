import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../../../contract/clock.ts";
import type { GatewayConfig } from "../../../../hub/config/receiver-config.ts";
import { smsChannel } from "../../../../hub/notify/sms-channel.ts";
import { page } from "../messages.ts";
import { httpOther, type Other } from "../servers.ts";

const TO = ["+358401234567", "+358407654321"];
const others: Other[] = [];
afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
});

async function gateway(statusOf: () => number, extra: Partial<GatewayConfig> = {}) {
  const other = await httpOther(statusOf);
  others.push(other);
  const made: GatewayConfig = {
    ...{ url: `http://127.0.0.1:${other.port}/send`, encoding: "json", allowPrivate: true },
    ...{ fields: { to: "{to}", message: "{text}", from: "Plenum" }, authorization: "Bearer t" },
    ...extra,
  };
  const receiver = { kind: "sms" as const, id: "duty", to: TO, by: { gateway: made } };
  return { other, channel: smsChannel(receiver, { clock: systemClock }) };
}

test("a page goes to 2 numbers as JSON with the token", async () => {
  const { other, channel } = await gateway(() => 200);
  expect(await channel.send(page())).toEqual({ kind: "accepted", note: null });
  expect(other.received.map(({ body }) => JSON.parse(body))).toEqual(
    TO.map((to) => ({
      to,
      message:
        "P2 A03 inlet top 31.8 C (limit 27) - Hall A Reply 4711 to acknowledge. What to do: Check the cooling unit of this aisle.",
      from: "Plenum",
    })),
  );
  expect(other.received[0]?.headers.authorization).toBe("Bearer t");
});

test("a name from a device that looks like a placeholder is not filled in", async () => {
  const { other, channel } = await gateway(() => 200, { encoding: "form" });
  await channel.send({ ...page("cleared"), subject: "{to} & {key}" });
  const form = new URLSearchParams(other.received[0]?.body);
  expect(form.get("message")).toBe("(to) & (key)");
  expect(form.get("to")).toBe(TO[0]);
});

test("a number that had it does not get it again when the other failed", async () => {
  const answers = [200, 503, 200];
  const { other, channel } = await gateway(() => answers.shift() ?? 500);
  expect(await channel.send(page())).toEqual({ kind: "failed", why: "answered 503" });
  expect(await channel.send(page())).toEqual({ kind: "accepted", note: null });
  expect(other.received.map(({ body }) => JSON.parse(body).to)).toEqual([TO[0], TO[1], TO[1]]);
});

test("a gateway at a private address is refused without allowPrivate", async () => {
  const { other, channel } = await gateway(() => 200, { allowPrivate: false });
  expect(await channel.send(page())).toMatchObject({ kind: "refused" });
  expect(other.received).toHaveLength(0);
});
