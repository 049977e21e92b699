import { spawnSync } from "node:child_process";
import { isRoot, nameOf } from "./workplace.ts";

/** Drops a share of all packets to and from some ports of this machine, by a packet filter table of its own. */
export class PacketLoss {
  readonly #table: string;

  constructor(folder: string) {
    this.#table = nameOf(folder);
  }

  static available(): boolean {
    return isRoot && spawnSync("nft", ["list", "tables"]).status === 0;
  }

  start(ports: readonly number[], percent: number): void {
    const set = `{ ${ports.join(", ")} }`;
    const drop = `numgen random mod 100 < ${percent} drop`;
    const rules = `table inet ${this.#table} {
      chain out {
        type filter hook output priority 0;
        tcp dport ${set} ${drop}
        tcp sport ${set} ${drop}
      }
    }`;
    const { status, stderr } = spawnSync("nft", ["-f", "-"], { input: rules, encoding: "utf8" });
    if (status !== 0) throw new Error(`nft: ${stderr}`);
  }

  stop(): void {
    const { status, stderr } = spawnSync("nft", ["delete", "table", "inet", this.#table]);
    if (status !== 0) throw new Error(`nft: ${stderr}`);
  }
}
