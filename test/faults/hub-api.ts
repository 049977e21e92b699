import { until } from "../system/until.ts";

const PATIENCE_MS = 5_000;
const LOOK_EVERY_MS = 200;
const FRESH_MS = 10_000;

/** What the hub says of itself, as somebody at its dashboard would see it. */
export class HubApi {
  constructor(
    private readonly port: number,
    private readonly token: string,
  ) {}

  allOnline(nodes: readonly string[], limitMs: number): Promise<void> {
    return shown("every node to be connected", limitMs, async () => {
      const known = await this.#list<{ id: string; online: boolean }>("nodes");
      const online = new Set(known?.filter((one) => one.online).map(({ id }) => id));
      return nodes.every((id) => online.has(id));
    });
  }

  allFresh(ids: readonly string[], limitMs: number): Promise<void> {
    return shown("new values of the whole crowd", limitMs, async () => {
      const known = await this.#list<{ id: string; ageMs: number | null }>("points");
      const fresh = known?.filter(({ ageMs }) => ageMs !== null && ageMs < FRESH_MS);
      const found = new Set(fresh?.map(({ id }) => id));
      return ids.every((id) => found.has(id));
    });
  }

  /** Undefined when the hub does not answer. */
  async #list<T>(what: "nodes" | "points"): Promise<T[] | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.port}/api/v1/${what}`, {
        headers: { authorization: `Bearer ${this.token}` },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      return answer.ok ? ((await answer.json()) as { items: T[] }).items : undefined;
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
  }
}

async function shown(what: string, limitMs: number, look: () => Promise<boolean>): Promise<void> {
  await until(
    what,
    async () => {
      if (await look()) return true;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      return false;
    },
    limitMs,
  );
}
