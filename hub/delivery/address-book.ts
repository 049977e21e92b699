import type { EpochMs } from "../../contract/clock.ts";
import type { DeliveryConfig, LadderStep, Person } from "../config/delivery-config.ts";
import { onDuty } from "./rota.ts";

/** One way a page goes. */
export interface Way {
  receiver: string;
  /** Whose it is; null for a receiver that is nobody's own. */
  person: Person | null;
}

/** Who is behind the names that rules, groups, rotas and ladders use. */
export class AddressBook {
  readonly #config: DeliveryConfig;
  readonly #people: ReadonlyMap<string, Person>;

  constructor(config: DeliveryConfig) {
    this.#config = config;
    this.#people = new Map(config.people.map((person) => [person.id, person]));
  }

  /** The steps for an alarm whose rule names these: what is no escalation is told at once. */
  ladderOf(names: readonly string[]): LadderStep[] {
    const byTime = new Map<number, string[]>();
    for (const name of names) {
      const escalation = this.#config.escalations.find(({ id }) => id === name);
      for (const { afterMs, to } of escalation?.steps ?? [{ afterMs: 0, to: [name] }])
        byTime.set(afterMs, [...(byTime.get(afterMs) ?? []), ...to]);
    }
    return [...byTime]
      .sort(([a], [b]) => a - b)
      .map(([afterMs, to]) => ({ afterMs, to: [...new Set(to)] }));
  }

  /** Where a page to these goes at this moment; each receiver once. A name nobody has is taken as a receiver's. */
  waysTo(names: readonly string[], now: EpochMs): Way[] {
    const ways = new Map<string, Way>();
    for (const name of names)
      for (const way of this.#waysOf(name, now))
        if (!ways.get(way.receiver)?.person) ways.set(way.receiver, way);
    return [...ways.values()];
  }

  /** Names as people read them: "Anna Virtanen", and of what is no person its id. */
  nameOf = (id: string): string => this.#people.get(id)?.name ?? id;

  /** Whose receiver it is, when it is one person's only. */
  ownerOf(receiver: string): Person | null {
    const owners = this.#config.people.filter(({ reach }) => reach.includes(receiver));
    return owners.length === 1 ? (owners[0] ?? null) : null;
  }

  byPhone = (number: string): Person | undefined =>
    this.#config.people.find(({ phones }) => phones.includes(number));

  #waysOf(name: string, now: EpochMs): Way[] {
    const person = this.#people.get(name);
    if (person) return person.reach.map((receiver) => ({ receiver, person }));
    const group = this.#config.groups.find(({ id }) => id === name);
    if (group) return group.members.flatMap((member) => this.#waysOf(member, now));
    const rota = this.#config.rota.find(({ id }) => id === name);
    // A rota may name a group, but a group no rota, so there is no circle.
    if (rota) return this.#waysOf(onDuty(rota, now), now);
    return [{ receiver: name, person: this.ownerOf(name) }];
  }
}
