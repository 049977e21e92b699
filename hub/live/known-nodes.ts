import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { EpochMs } from "../../contract/clock.ts";
import { type Birth, birthSchema } from "../../contract/message.ts";

/** What the hub remembers of a node across its own restart. */
export interface KnownNode {
  birth: Birth;
  /** Points it announced before and no longer does; its spool may still hold rows of them. */
  retired: string[];
  online: boolean;
  since: EpochMs;
  lastSeenAt: EpochMs;
}

export interface KnownNodes {
  /** In the order the nodes were first heard. */
  load(): KnownNode[];
  /** A full or failing disk is logged, not thrown: what is known now stays right without it. */
  save(node: KnownNode): void;
  /** Throws SqliteError when the disk fails. */
  remove(node: string): void;
}

interface NodeRow {
  node: string;
  birth: string;
  retired: string;
  online: number;
  since: number;
  last_seen_at: number;
}

/** The births of every node ever heard, in hub.db, so that a restarted hub knows its points at once. */
export function openKnownNodes(db: Database.Database, log: Logger): KnownNodes {
  db.exec(`CREATE TABLE IF NOT EXISTS known_node (
    node TEXT PRIMARY KEY, birth TEXT NOT NULL, retired TEXT NOT NULL,
    online INTEGER NOT NULL, since INTEGER NOT NULL, last_seen_at INTEGER NOT NULL
  ) STRICT`);
  const all = db.prepare<[], NodeRow>("SELECT * FROM known_node ORDER BY rowid");
  const upsert = db.prepare<NodeRow>(`INSERT INTO known_node
    VALUES (@node, @birth, @retired, @online, @since, @last_seen_at)
    ON CONFLICT (node) DO UPDATE SET birth = excluded.birth, retired = excluded.retired,
      online = excluded.online, since = excluded.since, last_seen_at = excluded.last_seen_at`);
  const remove = db.prepare("DELETE FROM known_node WHERE node = ?");
  return {
    load: () => all.all().flatMap((row) => toKnownNode(row, log)),
    save(node) {
      try {
        upsert.run(toRow(node));
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error;
        log.error({ node: node.birth.node, error: error.message }, "node not remembered");
      }
    },
    remove(node) {
      remove.run(node);
    },
  };
}

function toRow({ birth, retired, online, since, lastSeenAt }: KnownNode): NodeRow {
  return {
    node: birth.node,
    birth: JSON.stringify(birth),
    retired: JSON.stringify(retired),
    online: online ? 1 : 0,
    since,
    last_seen_at: lastSeenAt,
  };
}

/** A row that this version does not understand is left out: the node announces itself again. */
function toKnownNode(row: NodeRow, log: Logger): KnownNode[] {
  const birth = birthSchema.safeParse(JSON.parse(row.birth));
  if (!birth.success) {
    log.warn({ node: row.node, error: birth.error.message }, "remembered node not understood");
    return [];
  }
  return [
    {
      birth: birth.data,
      retired: JSON.parse(row.retired) as string[],
      online: row.online === 1,
      since: row.since,
      lastSeenAt: row.last_seen_at,
    },
  ];
}
