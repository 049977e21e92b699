import { z } from "zod";
import type { QuantityId } from "../../contract/quantity.ts";
import { block, says } from "../../contract/yaml-words.ts";

export interface ContactOptions<Channel extends string> {
  normallyOpen: Channel[];
}

/** Options of a chip whose inputs are contacts to ground under a pull-up. */
export function contactOptions<const Channel extends string>(
  what: string,
  channels: readonly [Channel, ...Channel[]],
): z.ZodType<ContactOptions<Channel>> {
  const names = says(`an input is ${channels.join(", ")}`);
  return block(what, {
    /** Contacts that are open when all is well; the others are closed, so that a cut wire shows. */
    normallyOpen: z.array(z.enum(channels, names), says("write a list of inputs")).default([]),
  }).meta({ examples: [{ normallyOpen: [channels[0]] }] });
}

export function flagChannels<const Channel extends string>(
  channels: readonly Channel[],
): Record<Channel, QuantityId> {
  return Object.fromEntries(channels.map((name) => [name, "flag"])) as Record<Channel, QuantityId>;
}

/** 1 for a contact that is not as it should be. Bit n of `levels` is input n; 0 is a closed contact. */
export function offNormal<const Channel extends string>(
  levels: number,
  channels: readonly Channel[],
  { normallyOpen }: ContactOptions<Channel>,
): Record<Channel, number> {
  return Object.fromEntries(
    channels.map((name, bit) => {
      const open = (levels >> bit) & 1;
      return [name, normallyOpen.includes(name) ? 1 - open : open];
    }),
  ) as Record<Channel, number>;
}
