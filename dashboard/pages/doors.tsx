import { useEffect, useState } from "preact/hooks";
import type { LedgerRecord } from "../../contract/api.ts";
import type { SiteModel } from "../../contract/site.ts";
import {
  type ChainCheck,
  type DoorLogPage,
  errorText,
  getDoorLog,
  getSite,
  type Identity,
  verifyDoorLog,
} from "../api.ts";
import { placeLabels } from "../places.ts";
import { clockTime, fromLocal, fullTime, isoDate, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { recordWords } from "./record-words.ts";

const MAY_READ: readonly Identity["role"][] = ["operator", "engineer", "auditor", "admin"];
/** More pages than this are a matter for an export. */
const MAX_ROWS = 2_000;

/** The access ledger, newest first, with the proof that nothing was taken out. */
export function DoorsPage({ role }: { role: Identity["role"] }) {
  const site = useSite();
  if (!MAY_READ.includes(role))
    return (
      <>
        <h1>Door log</h1>
        <p>The role {role} may not read the door log: it names people.</p>
      </>
    );
  if (!site.value) return <p class="quiet">{site.problem ?? "Waiting for the hub …"}</p>;
  return <DoorLog site={site.value} />;
}

/** From the stream where there is one; auditors have none and ask once. */
function useSite(): { value: SiteModel | null; problem: string | null } {
  const { store } = useView();
  const [asked, setAsked] = useState<SiteModel | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    getSite().then(setAsked, (error: unknown) => setProblem(errorText(error)));
  }, []);
  return { value: store.site.value ?? asked, problem };
}

function DoorLog({ site }: { site: SiteModel }) {
  const zone = site.timezone;
  const [search, setSearch] = useState(() => new URLSearchParams(location.search));
  const [pages, setPages] = useState<DoorLogPage[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const rows = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next ?? null;

  const load = async (cursor: string | null) =>
    getDoorLog({
      from: fromLocal(search.get("from") ?? "", zone) ?? null,
      to: fromLocal(search.get("to") ?? "", zone) ?? null,
      door: search.get("door"),
      cursor,
    });
  useEffect(() => {
    let isStopped = false;
    setPages([]);
    setProblem(null);
    load(null).then(
      (page) => !isStopped && setPages([page]),
      (error: unknown) => !isStopped && setProblem(errorText(error)),
    );
    return () => {
      isStopped = true;
    };
  }, [search, zone]);
  const more = async () => {
    try {
      const page = await load(String(next));
      setPages((all) => [...all, page]);
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  const filter = (form: HTMLFormElement) => {
    const found = new URLSearchParams();
    for (const [key, value] of new FormData(form))
      if (typeof value === "string" && value !== "") found.set(key, value);
    history.replaceState(null, "", found.size > 0 ? `/doors?${found}` : "/doors");
    setSearch(found);
  };
  return (
    <>
      <h1>Door log</h1>
      <Filters site={site} search={search} onFilter={filter} />
      <Chain zone={zone} />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <LogTable rows={rows} site={site} />
      {rows.length === 0 && pages.length > 0 && <p class="quiet">No record matches.</p>}
      {next !== null && rows.length < MAX_ROWS && (
        <button type="button" onClick={() => void more()}>
          Show more
        </button>
      )}
    </>
  );
}

function Filters(props: {
  site: SiteModel;
  search: URLSearchParams;
  onFilter: (form: HTMLFormElement) => void;
}) {
  const { site, search, onFilter } = props;
  const doors = site.rooms.flatMap((room) => room.doors);
  const submit = (event: Event) => {
    event.preventDefault();
    const target = event.currentTarget as HTMLFormElement;
    onFilter(target);
  };
  return (
    <form class="filters" onSubmit={submit} onChange={submit}>
      <label>
        Door
        <select name="door" value={search.get("door") ?? ""}>
          <option value="">All</option>
          {doors.map((door) => (
            <option key={door.id} value={door.id}>
              {door.label}
            </option>
          ))}
        </select>
      </label>
      <label>
        From
        <input type="datetime-local" name="from" value={search.get("from") ?? ""} />
      </label>
      <label>
        To
        <input type="datetime-local" name="to" value={search.get("to") ?? ""} />
      </label>
      <span class="zone">{utcOffset(Date.now(), site.timezone)}</span>
    </form>
  );
}

function Chain({ zone }: { zone: string }) {
  const [check, setCheck] = useState<{ result: ChainCheck; at: number } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const verify = async () => {
    setProblem(null);
    try {
      setCheck({ result: await verifyDoorLog(), at: Date.now() });
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  useEffect(() => {
    void verify();
  }, []);
  const result = check?.result;
  return (
    <section class={`chain ${result ? (result.ok ? "whole" : "broken") : ""}`} aria-live="polite">
      <b>
        {result
          ? result.ok
            ? "Chain verified"
            : `Chain broken at record ${result.brokenAt}`
          : (problem ?? "Checking the chain …")}
      </b>
      {result?.ok && (
        <span>
          {result.count === 0
            ? "no records yet"
            : `records 1 to ${result.count.toLocaleString("en")}, none missing`}
        </span>
      )}
      {result?.ok && result.count > 0 && (
        <span>
          head <code>{`${result.head.slice(0, 8)} … ${result.head.slice(-4)}`}</code>
        </span>
      )}
      {result && !result.ok && <span>{result.why}</span>}
      {check && <span class="checked">checked {clockTime(check.at, zone)}</span>}
      <button type="button" class="link-button" onClick={() => void verify()}>
        Check again
      </button>
    </section>
  );
}

function LogTable({ rows, site }: { rows: LedgerRecord[]; site: SiteModel }) {
  if (rows.length === 0) return null;
  const labels = placeLabels(site);
  const zone = site.timezone;
  return (
    <div class="table-frame">
      <table class="log">
        <thead>
          <tr>
            <th scope="col" class="number">
              Record
            </th>
            <th scope="col">Time, {utcOffset(rows[0]!.at, zone)}</th>
            <th scope="col">UTC</th>
            <th scope="col">Door</th>
            <th scope="col">Event</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.seq} data-record={row.seq}>
              <td class="number">{row.seq.toLocaleString("en")}</td>
              <td class="time">{fullTime(row.at, zone)}</td>
              <td class="time quiet">
                {isoDate(row.at, "UTC") === isoDate(row.at, zone)
                  ? ""
                  : `${isoDate(row.at, "UTC")} `}
                {clockTime(row.at, "UTC")}Z
              </td>
              <td class="name">
                {row.door ? (labels.get(row.door) ?? row.label ?? row.door) : "—"}
              </td>
              <td>{recordWords(row)}</td>
              <td class="quiet name">{row.node ?? "hub"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
