import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { listedAlarms } from "../alarm-order.ts";
import { errorText, type Identity, signOut } from "../api.ts";
import { shortAge, stopwatch } from "../time.ts";
import { useView } from "../view.ts";

interface ShellProps {
  identity: Identity;
  onSignedOut: () => void;
  /** Name of the page, or the address of one under "More". */
  here: string;
  children: ComponentChildren;
}

const MORE: readonly [address: string, words: string, who?: readonly Identity["role"][]][] = [
  ["/notifications", "Messages"],
  ["/problems", "Problems"],
  ["/alarm-health", "Alarm health"],
  ["/coverage", "Coverage and drills"],
  ["/rehearsal", "Rehearsal"],
  ["/put-aside", "Readings put aside", ["operator", "engineer", "admin"]],
];

/** Frame of the pages people work with: where one is, who one is, whether the hub is there. */
export function Shell({ identity, onSignedOut, here, children }: ShellProps) {
  const { store } = useView();
  const [problem, setProblem] = useState<string | null>(null);
  const count = listedAlarms(store.alarms.value).length;
  const mayWatch = identity.role !== "auditor";
  const leave = async () => {
    try {
      await signOut();
      onSignedOut();
    } catch (error) {
      setProblem(errorText(error));
    }
  };
  return (
    <>
      <nav class="top" aria-label="Pages">
        <span class="site">{store.site.value?.label ?? "Plenum"}</span>
        {mayWatch && <a href="/">Wall</a>}
        {mayWatch && (
          <a href="/alarms" aria-current={here === "alarms" ? "page" : undefined}>
            Alarms{count > 0 && <b class="count">{count}</b>}
          </a>
        )}
        {mayWatch && (store.incidents.value !== null || here === "incidents") && (
          <a href="/incidents" aria-current={here === "incidents" ? "page" : undefined}>
            Incidents
          </a>
        )}
        <a href="/doors" aria-current={here === "doors" ? "page" : undefined}>
          Doors
        </a>
        {mayWatch && identity.role !== "wall" && <More here={here} role={identity.role} />}
        <span class="gap" />
        <span class="who">
          {identity.name} · {identity.role}
        </span>
        <button type="button" class="link-button" onClick={() => void leave()}>
          Sign out
        </button>
      </nav>
      {mayWatch && store.lost.value && (
        <p class="lost-note" role="alert">
          <b>No data from the hub for {stopwatch(store.silentMs.value)}.</b> What is shown is{" "}
          {shortAge(store.silentMs.value)} old.
        </p>
      )}
      {problem && <p class="problem">{problem}</p>}
      <main class="page">{children}</main>
    </>
  );
}

/** Pages that are not for the moment of an alarm. */
function More({ here, role }: { here: string; role: Identity["role"] }) {
  const chosen = MORE.find(([address]) => address === here);
  return (
    <details class="more">
      <summary aria-current={chosen ? "page" : undefined}>{chosen?.[1] ?? "More"}</summary>
      <ul>
        {MORE.filter(([, , who]) => who?.includes(role) ?? true).map(([address, words]) => (
          <li key={address}>
            <a href={address} aria-current={address === here ? "page" : undefined}>
              {words}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}
