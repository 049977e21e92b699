import { z } from "zod";

/** Whose turn it is in one rota. */
export const dutySchema = z.object({
  rota: z.string(),
  /** A person's name, or the id of a group or receiver. */
  who: z.string(),
  /** When somebody else takes over; null when nobody does within five weeks. */
  until: z.number().int().nullable(),
  next: z.string().nullable(),
});
export type Duty = z.infer<typeof dutySchema>;

/** A rule as it stands now, for people who want to try a change. */
export const ruleTextSchema = z.object({
  id: z.string(),
  title: z.string(),
  priority: z.number().int(),
  kind: z.enum(["limit", "digital", "swing", "frozen", "stale", "silent"]),
  /** Whether history can be played over it. */
  canRehearse: z.boolean(),
  /** YAML as under `alarms` in site.yaml. */
  text: z.string(),
});
export type RuleText = z.infer<typeof ruleTextSchema>;
