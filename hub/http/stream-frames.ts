import type { PointDelta, StreamEvents } from "../../contract/api.ts";
import type { StreamSources } from "./stream.ts";

/** Text of the server-sent events of one moment, made once for all readers. */
export class SharedFrames {
  readonly #sources: StreamSources;
  readonly #made = new Map<string, string>();

  constructor(sources: StreamSources) {
    this.#sources = sources;
  }

  lane(lane: "snap" | "alarms" | "incidents" | "doors" | "nodes" | "hb"): string {
    const known = this.#made.get(lane);
    if (known !== undefined) return known;
    const made = this.#make(lane);
    this.#made.set(lane, made);
    return made;
  }

  points(delta: PointDelta): string {
    return frame("points", delta);
  }

  #make(lane: "snap" | "alarms" | "incidents" | "doors" | "nodes" | "hb"): string {
    const sources = this.#sources;
    switch (lane) {
      case "snap":
        return frame("snap", sources.snapshot());
      case "alarms":
        return frame("alarms", sources.alarms());
      case "incidents":
        return frame("incidents", sources.incidents?.() ?? []);
      case "doors":
        return frame("doors", sources.doors());
      case "nodes":
        return frame("nodes", sources.nodes());
      case "hb":
        return frame("hb", sources.health());
    }
  }
}

/** JSON has no raw line breaks, so one `data:` line always holds it. */
function frame<E extends keyof StreamEvents>(event: E, data: StreamEvents[E]): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
