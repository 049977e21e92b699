import type { OutgoingMessage } from "../../../hub/notify/channel.ts";

/** A page as the hub writes it, or its end. */
export function page(change = "raised", extra: Record<string, unknown> = {}): OutgoingMessage {
  const alarm = {
    ...{
      id: "inlet-high.a03.inlet-top",
      occurrence: 3,
      priority: 2,
      title: "A03 inlet top 31.8 °C",
    },
    ...{ place: "A03", runbook: "Check the cooling unit of this aisle." },
  };
  return {
    key: `inlet-high.a03.inlet-top/3/${change}/duty`,
    subject: "P2 A03 inlet top 31.8 °C (limit 27) — Hall A",
    text: "A03 inlet top 31.8 °C\nlimit 27 °C\n",
    data: {
      ...{
        change,
        at: Date.UTC(2026, 0, 1),
        site: "Demo site",
        link: "https://hub.example/?alarm=1",
      },
      ...{ alarm, ackUrl: "https://hub.example/ack/t0ken", replyCode: "4711", ...extra },
    },
    createdAt: Date.UTC(2026, 0, 1),
  };
}
