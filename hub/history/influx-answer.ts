/**
 * What an InfluxDB answer to a write means. `poison`: this text comes back for ever for at least one of
 * the rows. `all-poison`: for every one. `split`: the body was too large. `no-database`: make it, then retry.
 */
export type WriteAnswer =
  | { kind: "stored" }
  | { kind: "poison"; why: string }
  | { kind: "all-poison"; why: string }
  | { kind: "split"; why: string }
  | { kind: "no-database"; why: string }
  | { kind: "retry"; why: string };

/**
 * The closed list of refusals that no waiting cures. Everything else, a full disk included (which
 * answers 400 like these do), is retried for ever.
 */
const PERMANENT = [
  /unable to parse/,
  /field type conflict/,
  /points beyond retention policy/,
  /max key size exceeded/,
  // 3 Core, which names the lines in a list of its own.
  /partial write of line protocol occurred/,
  /parsing failed for write_lp endpoint/,
];
/** Whatever else the text says, time and a person cure this. */
const CURABLE = /no space left on device/;
/** It goes on refusing after there is room again. */
const NEEDS_RESTART = /error writing WAL entry|cache-max-memory-size exceeded/;
/** 2.x answers 422 where 1.x answers 400. */
const BAD_ROWS = [400, 422];
const WHY_LENGTH = 300;

/** Judges status and body of `POST /write`; `rows` is how many were sent. */
export function judgeWriteAnswer(status: number, body: string, rows: number): WriteAnswer {
  const said = `InfluxDB ${status}: ${body.trim().slice(0, WHY_LENGTH)}`;
  const why = NEEDS_RESTART.test(body) ? `${said}; make room, then restart InfluxDB twice` : said;
  if (status === 204 || status === 200) return { kind: "stored" };
  if (status === 413) return rows > 1 ? { kind: "split", why } : { kind: "all-poison", why };
  if (status === 404 && /(database|bucket) .*not found|database not found/.test(body))
    return { kind: "no-database", why };
  const permanent = PERMANENT.some((text) => text.test(body)) && !CURABLE.test(body);
  if (!BAD_ROWS.includes(status) || !permanent) return { kind: "retry", why };
  const dropped = Number(/dropped=(\d+)/.exec(body)?.[1] ?? 0);
  return dropped === rows || rows === 1 ? { kind: "all-poison", why } : { kind: "poison", why };
}
