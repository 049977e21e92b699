import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_WRONG_REPLIES } from "../../../hub/delivery/answers.ts";
import { DeliveryRig, MINUTE } from "./rig.ts";

let rig: DeliveryRig;
beforeEach(() => {
  rig = new DeliveryRig();
});
afterEach(() => rig.stop());

const token = (receiver: string): string => {
  const { message } = rig.messages.find((sent) => sent.receiver === receiver)!;
  return String(message.data.ackUrl).replace("https://p.example/ack/", "");
};
const code = (): string => String(rig.messages[0]?.message.data.replyCode);

test("a link acknowledges once, in the name of the person whose message it stood in", async () => {
  rig.raise("leak");
  await rig.clock.advance(MINUTE);
  const link = token("anna-mail");
  expect(rig.messages[1]?.message.text).toContain(`Acknowledge: https://p.example/ack/${link}`);
  expect(rig.replies.look(link)).toMatchObject({ kind: "ready", who: "Anna" });
  expect(rig.view("leak")?.ack).toBeNull();
  expect(rig.replies.useLink(link)).toMatchObject({ kind: "ready" });
  expect(rig.view("leak")?.ack).toMatchObject({ by: "Anna (link in the message)" });
  expect(rig.replies.useLink(link)).toMatchObject({ kind: "used" });
  expect(rig.replies.look(token("anna-sms"))).toMatchObject({
    ...{ kind: "taken", by: "Anna (link in the message)" },
  });
  await rig.restart();
  expect(rig.replies.look(link)).toMatchObject({ kind: "used" });
});

test("a link of an occurrence that is over, or older than 24 h, says so and does nothing", async () => {
  rig.raise("leak");
  await rig.clock.advance(MINUTE);
  const link = token("anna-mail");
  rig.clear("leak");
  rig.raise("leak");
  expect(rig.replies.useLink(link)).toEqual({ kind: "over" });
  await rig.clock.advance(24 * 60 * MINUTE);
  expect(rig.replies.useLink(link)).toEqual({ kind: "expired" });
  expect(rig.view("leak")?.ack).toBeNull();
});

test("no altered link works, whichever character is changed", async () => {
  rig.raise("leak");
  await rig.clock.advance(MINUTE);
  const link = token("anna-mail");
  for (let n = 0; n < link.length; n += 1) {
    const other = link[n] === "A" ? "B" : "A";
    expect(rig.replies.look(`${link.slice(0, n)}${other}${link.slice(n + 1)}`).kind).toBe(
      "unknown",
    );
  }
  for (const wrong of ["", ".", "a.b.c", "x".repeat(5_000)])
    expect(rig.replies.look(wrong).kind).toBe("unknown");
});

test("the code in an SMS acknowledges from the number of who was told, and from no other", async () => {
  rig.raise("leak");
  await rig.clock.advance(MINUTE);
  expect(rig.replies.acknowledgeByReply("+358409999999", code()).kind).toBe("ignored");
  expect(rig.replies.acknowledgeByReply("+358402222222", code()).kind).toBe("refused");
  expect(rig.replies.acknowledgeByReply("+358401111111", "ok").kind).toBe("refused");
  expect(rig.replies.acknowledgeByReply("+358401111111", `OK ${code()} thanks`)).toEqual({
    ...{ kind: "acknowledged", say: "Acknowledged: leak" },
  });
  expect(rig.view("leak")?.ack).toMatchObject({ by: "Anna (SMS)" });
  expect(rig.replies.acknowledgeByReply("+358401111111", code()).say).toMatch(/^Already/);
});

test.each(["link", "SMS"] as const)(
  "an answer by %s to a symptom's page answers for the cause that showed since, and for all of it",
  async (way) => {
    const part = (kind: "alone" | "cause" | "symptom", lead: string) =>
      ({ incident: "i1", part: kind, lead: `high.${lead}` }) as const;
    rig.raise("ups", { part: part("alone", "ups") });
    await rig.clock.advance(2_000);
    rig.raise("utility", { priority: 2, part: part("cause", "utility") });
    rig.raise("rack", { priority: 2, part: part("symptom", "utility") });
    rig.raise("elsewhere", { priority: 2 });
    if (way === "link") rig.replies.useLink(token("anna-mail"));
    else rig.replies.acknowledgeByReply("+358401111111", code());
    await rig.clock.advance(40 * MINUTE);
    for (const id of ["ups", "utility", "rack"]) expect(rig.view(id)?.ack?.by).toMatch(/^Anna \(/);
    expect(rig.view("elsewhere")?.ack).toBeNull();
    expect(rig.sent.filter((line) => /ups|utility/.test(line))).toHaveLength(2);
  },
);

test(`${MAX_WRONG_REPLIES} wrong codes from a number shut it out for 10 min`, async () => {
  rig.raise("leak");
  await rig.clock.advance(MINUTE);
  const wrong = code() === "0000" ? "0001" : "0000";
  for (let n = 0; n < MAX_WRONG_REPLIES; n += 1)
    rig.replies.acknowledgeByReply("+358401111111", wrong);
  expect(rig.replies.acknowledgeByReply("+358401111111", code()).say).toMatch(/^Too many/);
  await rig.clock.advance(10 * MINUTE);
  expect(rig.replies.acknowledgeByReply("+358401111111", code()).kind).toBe("acknowledged");
});
