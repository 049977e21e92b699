import { z } from "zod";
import type { OutgoingMessage } from "./channel.ts";

const text = z.string().nullish().catch(null);
const dataSchema = z.object({
  change: z.string().catch("told"),
  site: text,
  link: text,
  ackUrl: text,
  replyCode: text,
  alarm: z
    .object({
      id: z.string(),
      occurrence: z.number().int(),
      priority: z.number().int().min(1).max(4),
      title: z.string(),
      place: text,
      runbook: text,
    })
    .nullish()
    .catch(null),
});

/** What the forms of other services need to know of a message. Not every message is about one alarm. */
export interface Facts {
  change: string;
  /** The condition is over, or nobody watches it any more. */
  isOver: boolean;
  isAcknowledged: boolean;
  priority: 1 | 2 | 3 | 4;
  alarm: string | null;
  /** The same for everything told about one occurrence, at most 128 characters. */
  thread: string;
  place: string | null;
  site: string;
  runbook: string | null;
  link: string | null;
  ackUrl: string | null;
  replyCode: string | null;
}

export function factsOf({ key, data }: OutgoingMessage): Facts {
  const { alarm, change, ...rest } = dataSchema.parse(data);
  return {
    change,
    isOver: change === "cleared" || change === "withdrawn",
    isAcknowledged: change === "acknowledged",
    priority: (alarm?.priority ?? 3) as Facts["priority"],
    alarm: alarm?.id ?? null,
    thread: (alarm ? `plenum/${alarm.id}/${alarm.occurrence}` : `plenum/${key}`).slice(0, 128),
    place: alarm?.place ?? null,
    runbook: alarm?.runbook ?? null,
    site: rest.site ?? "Plenum",
    link: rest.link ?? null,
    ackUrl: rest.ackUrl ?? null,
    replyCode: rest.replyCode ?? null,
  };
}
