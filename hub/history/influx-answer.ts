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
];
const WHY_LENGTH = 300;

/** Judges status and body of `POST /write`; `rows` is how many were sent. */
export function judgeWriteAnswer(status: number, body: string, rows: number): WriteAnswer {
  const why = `InfluxDB ${status}: ${body.trim().slice(0, WHY_LENGTH)}`;
  if (status === 204 || status === 200) return { kind: "stored" };
  if (status === 413) return rows > 1 ? { kind: "split", why } : { kind: "all-poison", why };
  if (status === 404 && /database not found/.test(body)) return { kind: "no-database", why };
  if (status !== 400 || !PERMANENT.some((text) => text.test(body))) return { kind: "retry", why };
  const dropped = Number(/dropped=(\d+)/.exec(body)?.[1] ?? 0);
  return dropped === rows || rows === 1 ? { kind: "all-poison", why } : { kind: "poison", why };
}
