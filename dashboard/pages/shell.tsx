import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { listedAlarms } from "../alarm-order.ts";
import { errorText, type Identity, signOut } from "../api.ts";
import { shortAge, stopwatch } from "../time.ts";
import { useView } from "../view.ts";

interface ShellProps {
  identity: Identity;
  onSignedOut: () => void;
  here: "alarms" | "incidents" | "doors" | "rack";
  children: ComponentChildren;
}

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
