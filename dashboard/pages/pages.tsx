import type { Identity } from "../api.ts";
import { useView } from "../view.ts";
import { Wall } from "../wall/wall.tsx";
import { AlarmHealthPage } from "./alarm-health.tsx";
import { AlarmsPage } from "./alarms.tsx";
import { CoveragePage } from "./coverage.tsx";
import { DoorsPage } from "./doors.tsx";
import { IncidentPage } from "./incident.tsx";
import { IncidentsPage } from "./incidents.tsx";
import { NotificationsPage } from "./notifications.tsx";
import { ProblemsPage } from "./problems.tsx";
import { PutAsidePage } from "./put-aside.tsx";
import { RackPage } from "./rack.tsx";
import { RehearsalPage } from "./rehearsal.tsx";
import { Shell } from "./shell.tsx";
import "./pages.css";

interface PageProps {
  identity: Identity;
  onSignedOut: () => void;
}

const CARE_PAGES: Record<string, (props: { role: Identity["role"] }) => preact.JSX.Element> = {
  "/alarm-health": AlarmHealthPage,
  "/problems": ProblemsPage,
  "/coverage": CoveragePage,
  "/notifications": NotificationsPage,
  "/rehearsal": RehearsalPage,
  "/put-aside": PutAsidePage,
};

/** The page of the address. Each address is loaded afresh, so a page holds nothing of another. */
export function Pages(props: PageProps) {
  const path = location.pathname.replace(/\/+$/, "") || "/";
  const { role } = props.identity;
  const mayWatch = role !== "auditor";
  if ((path === "/" || path === "/wall") && mayWatch) return <Wall />;
  if (path === "/doors" || !mayWatch)
    return (
      <Shell {...props} here="doors">
        <DoorsPage role={role} />
      </Shell>
    );
  if (path === "/alarms")
    return (
      <Shell {...props} here="alarms">
        <AfterSnapshot>
          <AlarmsPage role={role} />
        </AfterSnapshot>
      </Shell>
    );
  const [, incident] = /^\/incidents(?:\/([^/]+))?$/.exec(path) ?? [null, null];
  if (incident !== null)
    return (
      <Shell {...props} here="incidents">
        <AfterSnapshot>
          {incident === undefined ? <IncidentsPage /> : <IncidentPage id={incident} role={role} />}
        </AfterSnapshot>
      </Shell>
    );
  const Care = CARE_PAGES[path];
  if (Care)
    return (
      <Shell {...props} here={path}>
        <AfterSnapshot>
          <Care role={role} />
        </AfterSnapshot>
      </Shell>
    );
  const rack = /^\/rack\/([a-z0-9_.-]+)$/.exec(path)?.[1];
  return (
    <Shell {...props} here="rack">
      {rack ? (
        <AfterSnapshot>
          <RackPage id={rack} />
        </AfterSnapshot>
      ) : (
        <p>There is no page at this address.</p>
      )}
    </Shell>
  );
}

function AfterSnapshot({ children }: { children: preact.ComponentChildren }) {
  const { store } = useView();
  if (!store.site.value) return <p class="quiet">Waiting for the hub …</p>;
  return <>{children}</>;
}
