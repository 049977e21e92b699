import type { Birth, DoorInfo, PointInfo } from "../../contract/message.ts";
import { isOwnName, isOwnNode } from "../own-nodes.ts";
import type { LiveDoor, LivePoint } from "./live-state.ts";
import { NameBudget } from "./name-budget.ts";

/** The most points of all nodes together; more are refused. */
export const MAX_POINTS = 100_000;
/** The most points remembered per node after it stopped offering them; the oldest are forgotten first. */
export const MAX_RETIRED = 5_000;

/** What a change of offers led to. */
export interface Offers {
  /** Names the node may not have. */
  refused: string[];
  /** Some of them because there are too many names, this node's or all nodes'. */
  overQuota: boolean;
  /** Points that nobody offers any more. */
  withdrawn: string[];
}

/** Which node offers which points and doors. The first node to announce a name keeps it until it lets go. */
export class Catalogue {
  readonly points = new Map<string, LivePoint>();
  readonly doors = new Map<string, LiveDoor>();
  readonly #births = new Map<string, Birth>();
  readonly #retired = new Map<string, Set<string>>();
  readonly #budget: NameBudget;
  #overQuota = false;
  #counting = false;

  constructor(monoMs: () => number = () => 0) {
    this.#budget = new NameBudget(monoMs);
  }

  /** From now on new names count; those taken up from before a restart do not. */
  countNames(): void {
    this.#counting = true;
  }

  /** Takes over what a node offers now. */
  adopt(birth: Birth): Offers {
    const before = this.#births.get(birth.node);
    this.#births.set(birth.node, birth);
    const released = before ? this.#release(before, birth) : [];
    this.#overQuota = false;
    const refused = this.#claim(birth);
    const overQuota = this.#overQuota;
    return { refused, overQuota, withdrawn: this.#passOn(released) };
  }

  /** Drops everything of a node, also what it offered before. Returns the points nobody offers any more. */
  forget(node: string): string[] {
    const birth = this.#births.get(node);
    if (!birth) return [];
    this.#births.delete(node);
    this.#budget.forget(node);
    const released = this.#release(birth, { ...birth, points: [], doors: [] });
    this.#retired.delete(node);
    return this.#passOn(released);
  }

  /** Whose the rows of a point are when they come from `node`. `mine` also for points it offered before. */
  owner(node: string, point: string): "mine" | "foreign" | "unknown" {
    const owner = this.points.get(point)?.node;
    if (owner === node || this.#retired.get(node)?.has(point)) return "mine";
    return owner === undefined ? "unknown" : "foreign";
  }

  retiredOf(node: string): string[] {
    return [...(this.#retired.get(node) ?? [])];
  }

  restoreRetired(node: string, points: readonly string[]): void {
    this.#retired.set(node, new Set(points));
  }

  /** Gives what was released to nodes that were refused it. Returns the points nobody wants. */
  #passOn(released: readonly string[]): string[] {
    if (released.length === 0) return [];
    for (const birth of this.#births.values()) this.#claim(birth);
    return released.filter((id) => !this.points.has(id) && !this.doors.has(id));
  }

  /** Drops what `birth` no longer offers; returns the names of points and doors. */
  #release(before: Birth, birth: Birth): string[] {
    const released: string[] = [];
    const points = new Set(birth.points.map((info) => info.id));
    for (const { id } of before.points) {
      if (points.has(id) || this.points.get(id)?.node !== birth.node) continue;
      this.points.delete(id);
      this.#retire(birth.node, id);
      released.push(id);
    }
    const doors = new Set(birth.doors.map((info) => info.id));
    for (const { id } of before.doors) {
      if (doors.has(id) || this.doors.get(id)?.node !== birth.node) continue;
      this.doors.delete(id);
      released.push(id);
    }
    return released;
  }

  #claim({ node, points, doors }: Birth): string[] {
    const refused: string[] = [];
    const seen = new Set<string>();
    for (const info of points) {
      if (seen.has(info.id) || !this.#claimPoint(node, info)) refused.push(info.id);
      seen.add(info.id);
    }
    for (const info of doors) if (!this.#claimDoor(node, info)) refused.push(info.id);
    return refused;
  }

  #claimPoint(node: string, info: PointInfo): boolean {
    const held = this.points.get(info.id);
    if (held && held.node !== node) return false;
    if (isOwnName(info.id) && !isOwnNode(node)) return false;
    if (!held && !this.#mayAdd(node, info.id)) {
      this.#overQuota = true;
      return false;
    }
    this.#retired.get(node)?.delete(info.id);
    if (held?.info.quantity === info.quantity) held.info = info;
    else
      this.points.set(info.id, {
        info,
        node,
        reading: null,
        receivedAt: null,
        ageOnArrivalMs: 0,
      });
    return true;
  }

  #mayAdd(node: string, point: string): boolean {
    if (this.points.size >= MAX_POINTS) return false;
    // A name the node had before makes no new series; the hub's own follow the number of nodes.
    if (!this.#counting || isOwnNode(node) || this.#retired.get(node)?.has(point)) return true;
    return this.#budget.take(node);
  }

  #claimDoor(node: string, info: DoorInfo): boolean {
    const held = this.doors.get(info.id);
    if ((held && held.node !== node) || isOwnName(info.id)) return false;
    if (held) held.info = info;
    else this.doors.set(info.id, { info, node, state: "unknown", since: null, at: null });
    return true;
  }

  #retire(node: string, point: string): void {
    const retired = this.#retired.get(node) ?? new Set();
    this.#retired.set(node, retired);
    retired.add(point);
    if (retired.size > MAX_RETIRED) {
      for (const oldest of retired) {
        retired.delete(oldest);
        break;
      }
    }
  }
}
