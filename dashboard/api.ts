import type {
  AlarmView,
  History,
  LedgerRecord,
  NotificationView,
  Problem,
} from "../contract/api.ts";
import type { EpochMs } from "../contract/clock.ts";
import type { IncidentDetail, IncidentView } from "../contract/incident.ts";
import type { SiteModel } from "../contract/site.ts";

/** The hub answered, but not with what was asked. `message` is fit for the screen. */
export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 15_000;

/** One request below /api/v1; throws ApiError when the hub refuses. */
export async function call(method: "GET" | "POST" | "DELETE", path: string, body?: unknown) {
  const answer = await fetch(`/api/v1/${path}`, {
    method,
    credentials: "same-origin",
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!answer.ok) throw new ApiError(answer.status, await problemText(answer));
  return answer.status === 204 ? null : ((await answer.json()) as unknown);
}

async function problemText(answer: Response): Promise<string> {
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  if (!isJson) return `The hub answered ${answer.status}.`;
  const problem = (await answer.json()) as Partial<Problem>;
  return problem.detail || problem.title || `The hub answered ${answer.status}.`;
}

/** What went wrong, for a person. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError")
    return "The hub did not answer in time. Nothing was changed as far as this page knows.";
  return "The hub cannot be reached.";
}

export interface Identity {
  name: string;
  role: "viewer" | "operator" | "engineer" | "auditor" | "admin" | "wall";
}

/** Who is signed in, or null. */
export async function whoAmI(): Promise<Identity | null> {
  try {
    return (await call("GET", "session")) as Identity;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

export async function signIn(token: string): Promise<Identity> {
  return (await call("POST", "session", { token })) as Identity;
}

export async function signOut(): Promise<void> {
  await call("DELETE", "session");
}

/** Says that this screen paints what the hub says. */
export async function sayPainted(): Promise<void> {
  await call("POST", "wall", {});
}

export async function getSite(): Promise<SiteModel> {
  return (await call("GET", "site")) as SiteModel;
}

const alarmPath = (id: string, action: string) => `alarms/${encodeURIComponent(id)}/${action}`;

export async function acknowledge(id: string): Promise<AlarmView> {
  return (await call("POST", alarmPath(id, "ack"), {})) as AlarmView;
}

export async function shelve(
  id: string,
  order: { until: EpochMs; reason: string },
): Promise<AlarmView> {
  return (await call("POST", alarmPath(id, "shelve"), order)) as AlarmView;
}

export async function unshelve(id: string): Promise<AlarmView> {
  return (await call("POST", alarmPath(id, "unshelve"), {})) as AlarmView;
}

const incidentPath = (id: string) => `incidents/${encodeURIComponent(id)}`;

export async function getIncident(id: string): Promise<IncidentDetail> {
  return (await call("GET", incidentPath(id))) as IncidentDetail;
}

export interface ClosedIncidents {
  items: IncidentView[];
  next: string | null;
}

/** Closed ones, the newest first; `before` is the `next` of the page before. */
export async function getClosedIncidents(before: string | null): Promise<ClosedIncidents> {
  const rest = before === null ? "" : `&before=${encodeURIComponent(before)}`;
  return (await call("GET", `incidents?state=closed&limit=50${rest}`)) as ClosedIncidents;
}

/** What a person can do to an incident; the answer is the incident that matters afterwards. */
export type IncidentOrder =
  | { word: "ack" }
  | { word: "note"; text: string }
  | { word: "merge"; into: string }
  | { word: "split"; alarm: string };

export async function orderIncident(id: string, order: IncidentOrder): Promise<IncidentDetail> {
  const { word, ...body } = order;
  return (await call("POST", `${incidentPath(id)}/${word}`, body)) as IncidentDetail;
}

export const reportAddress = (id: string): string => `/api/v1/${incidentPath(id)}/report`;

export async function getNotifications(): Promise<NotificationView[]> {
  return ((await call("GET", "notifications?limit=200")) as { items: NotificationView[] }).items;
}

export async function getHistory(
  point: string,
  range: { fromMs: number; toMs: number; stepMs: number },
): Promise<History> {
  const { fromMs, toMs, stepMs } = range;
  const query = `from=${fromMs}&to=${toMs}&step=${stepMs}`;
  return (await call("GET", `points/${encodeURIComponent(point)}/history?${query}`)) as History;
}

export interface CompletenessItem {
  point: string;
  percent: number;
  /** The point's first reading ever; null when there is none. */
  since: EpochMs | null;
  missing: { from: EpochMs; to: EpochMs }[];
  thinned: { from: EpochMs; to: EpochMs }[];
}

/** What the history lacks of one point in a range. */
export async function getCompleteness(
  point: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<CompletenessItem | undefined> {
  const query = `from=${fromMs}&to=${toMs}&point=${encodeURIComponent(point)}`;
  const report = (await call("GET", `completeness?${query}`)) as { items: CompletenessItem[] };
  return report.items[0];
}

export interface DoorLogQuery {
  from: number | null;
  to: number | null;
  door: string | null;
  cursor: string | null;
}
export interface DoorLogPage {
  items: LedgerRecord[];
  next: string | number | null;
}

export async function getDoorLog(query: DoorLogQuery): Promise<DoorLogPage> {
  const search = new URLSearchParams({ limit: "100" });
  for (const [key, value] of Object.entries(query)) if (value !== null) search.set(key, `${value}`);
  return (await call("GET", `doors/log?${search}`)) as DoorLogPage;
}

export type ChainCheck =
  | { ok: true; count: number; head: string }
  | { ok: false; brokenAt: number; why: string };

export async function verifyDoorLog(): Promise<ChainCheck> {
  return (await call("GET", "doors/log/verify")) as ChainCheck;
}
