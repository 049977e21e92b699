/** Parts of the ready-made rule set; each can be switched on by itself. */
export const RULE_GROUPS = [
  "climate",
  "cooling",
  "power",
  "ups",
  "generator",
  "leak",
  "doors",
  "sensors",
  "devices",
] as const;
export type RuleGroup = (typeof RULE_GROUPS)[number];
