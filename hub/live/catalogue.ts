import type { Birth, DoorInfo, PointInfo } from "../../contract/message.ts";
import type { LiveDoor, LivePoint } from "./live-state.ts";

/** The most points of all nodes together; more are refused. */
export const MAX_POINTS = 100_000;
/** The most points remembered per node after it stopped offering them; the oldest are forgotten first. */
export const MAX_RETIRED = 5_000;

/** Which node offers which points and doors. The first node to announce a name keeps it until it lets go. */
export class Catalogue {
  readonly points = new Map<string, LivePoint>();
  readonly doors = new Map<string, LiveDoor>();
  readonly #births = new Map<string, Birth>();
  readonly #retired = new Map<string, Set<string>>();

  /** Takes over what a node offers now. Returns the names it may not have. */
  adopt(birth: Birth): string[] {
    const before = this.#births.get(birth.node);
    this.#births.set(birth.node, birth);
    const released = before ? this.#release(before, birth) : false;
    const refused = this.#claim(birth);
    if (released) {
      for (const other of this.#births.values()) if (other !== birth) this.#claim(other);
    }
    return refused;
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

  /** Drops what `birth` no longer offers. True when another node may now claim something. */
  #release(before: Birth, birth: Birth): boolean {
    let released = false;
    const points = new Set(birth.points.map((info) => info.id));
    for (const { id } of before.points) {
      if (points.has(id) || this.points.get(id)?.node !== birth.node) continue;
      this.points.delete(id);
      this.#retire(birth.node, id);
      released = true;
    }
    const doors = new Set(birth.doors.map((info) => info.id));
    for (const { id } of before.doors) {
      if (doors.has(id) || this.doors.get(id)?.node !== birth.node) continue;
      this.doors.delete(id);
      released = true;
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
    if (!held && this.points.size >= MAX_POINTS) return false;
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

  #claimDoor(node: string, info: DoorInfo): boolean {
    const held = this.doors.get(info.id);
    if (held && held.node !== node) return false;
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
