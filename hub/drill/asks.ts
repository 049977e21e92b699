import type { EpochMs } from "../../contract/clock.ts";
import type { DeliveryConfig } from "../config/delivery-config.ts";
import type { Receiver } from "../config/hub-config.ts";
import type { AddressBook } from "../delivery/address-book.ts";

export interface AskDeps {
  ladders: Pick<DeliveryConfig, "escalations">;
  delivery: { book: Pick<AddressBook, "waysTo"> };
  receivers: readonly Receiver[];
}

/** Who would be asked at which step of which ladder at this moment, and which steps would ask nobody. */
export function asksOf({ ladders, delivery, receivers }: AskDeps, now: EpochMs) {
  const real = new Set(receivers.map(({ id }) => id));
  const byReceiver = new Map<string, string[]>();
  const toNobody: string[] = [];
  for (const { id, steps } of ladders.escalations)
    for (const [index, { to }] of steps.entries()) {
      const step = `${id}, step ${index + 1}`;
      const ways = delivery.book.waysTo(to, now).filter(({ receiver }) => real.has(receiver));
      if (ways.length === 0) toNobody.push(step);
      for (const { receiver } of ways)
        byReceiver.set(receiver, [...(byReceiver.get(receiver) ?? []), step]);
    }
  return { byReceiver, toNobody };
}
