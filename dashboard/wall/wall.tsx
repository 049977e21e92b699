import { useEffect } from "preact/hooks";
import { useView } from "../view.ts";
import { AlarmList } from "./alarm-list.tsx";
import { FloorPlan } from "./floor-plan.tsx";
import { Footer } from "./footer.tsx";
import { Header } from "./header.tsx";
import { KpiRow } from "./kpi-row.tsx";
import { LostBanner } from "./lost-banner.tsx";
import { OneLine } from "./one-line.tsx";
import "./wall.css";
import "./drawing.css";

/** Steps of the whole board, one a minute, so that no line burns into the screen. In 1/16 rem. */
const SHIFTS = [0, 3, 6, 8, 5, 2, 0, -3, -6, -8, -5, -2] as const;

/** The page that hangs on the wall: everything at once, nothing to scroll, nothing to press. */
export function Wall() {
  const { store } = useView();
  const isLost = store.lost.value;
  const minute = Math.floor(store.now.value / 60_000);
  const x = (SHIFTS[minute % SHIFTS.length] ?? 0) / 16;
  const y = (SHIFTS[(minute + 3) % SHIFTS.length] ?? 0) / 16;
  useEffect(() => {
    document.documentElement.classList.add("on-wall");
    return () => document.documentElement.classList.remove("on-wall");
  }, []);
  if (!store.site.value)
    return (
      <main class="waiting">
        {isLost ? "No answer from the hub. Trying again." : "Waiting for the hub …"}
      </main>
    );
  return (
    <main class={`board ${isLost ? "lost" : ""}`} style={{ "--dx": `${x}rem`, "--dy": `${y}rem` }}>
      <LostBanner />
      <Header />
      <KpiRow />
      <FloorPlan />
      <AlarmList />
      <OneLine />
      <Footer />
    </main>
  );
}
