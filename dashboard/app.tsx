import { useEffect, useMemo, useState } from "preact/hooks";
import { errorText, getHistory, type Identity, sayPainted, signIn, whoAmI } from "./api.ts";
import { Pages } from "./pages/pages.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { Reloader } from "./reloader.ts";
import { Store } from "./store.ts";
import { StreamKeeper } from "./stream.ts";
import { createView, ViewProvider } from "./view.ts";
import { BEACON_MS, beacon } from "./wall/beacon.ts";
import { HistoryContext } from "./wall/history-context.ts";
import { SparkHistory } from "./wall/spark-history.ts";

type Session =
  | { kind: "asking"; problem: string | null }
  | { kind: "out"; problem: string | null }
  | { kind: "in"; identity: Identity };

/** While the hub cannot be asked who is there, it is asked again this often. */
const ASK_AGAIN_MS = 5_000;

/** Signs in, then shows the page of the address. */
export function App({ token }: { token: string | null }) {
  const [session, setSession] = useState<Session>({ kind: "asking", problem: null });
  const enter = (identity: Identity) => setSession({ kind: "in", identity });

  useEffect(() => {
    if (session.kind !== "asking") return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isStopped = false;
    const ask = async (withToken: string | null) => {
      try {
        const identity = withToken === null ? await whoAmI() : await signIn(withToken);
        if (isStopped) return;
        if (identity) enter(identity);
        else setSession({ kind: "out", problem: null });
      } catch (error) {
        if (isStopped) return;
        const problem = errorText(error);
        if (withToken !== null) return setSession({ kind: "out", problem });
        setSession({ kind: "asking", problem });
        timer = setTimeout(() => void ask(null), ASK_AGAIN_MS);
      }
    };
    void ask(token);
    return () => {
      isStopped = true;
      clearTimeout(timer);
    };
  }, [session.kind, token]);

  if (session.kind === "asking")
    return <main class="note-page">{session.problem ?? "Asking the hub …"}</main>;
  if (session.kind === "out") return <SignIn problem={session.problem} onSignedIn={enter} />;
  const leave = () => setSession({ kind: "out", problem: null });
  return <SignedIn identity={session.identity} onSignedOut={leave} />;
}

const monoMs = () => performance.now();
const TICK_MS = 1_000;

function SignedIn({ identity, onSignedOut }: { identity: Identity; onSignedOut: () => void }) {
  const { store, view, history } = useMemo(() => {
    const store = new Store({ monoMs, wallMs: () => Date.now() });
    const history = new SparkHistory(
      async (point, range) => (await getHistory(point, range)).items,
      () => store.now.peek(),
    );
    return { store, view: createView(store), history };
  }, []);

  useEffect(() => {
    // Auditors read the ledger; the stream is not for them.
    if (identity.role === "auditor") return;
    const reloader = new Reloader(store, () => location.reload());
    const keeper = new StreamKeeper({
      store,
      open: () => new EventSource("/api/v1/stream"),
      monoMs,
      onNewBuild: () => reloader.want(),
      onRefused: async () => {
        // The hub may be gone, or the session over. Only the hub's own word ends the session.
        const who = await whoAmI().catch(() => identity);
        if (who === null) onSignedOut();
      },
    });
    const timer = setInterval(() => {
      store.tick();
      keeper.check();
      reloader.check();
    }, TICK_MS);
    const tellPainted = () =>
      beacon({
        nextFrame: (painted) => requestAnimationFrame(painted),
        isFresh: () => !store.lost.peek() && store.site.peek() !== null,
        send: sayPainted,
      });
    const beaconTimer = identity.role === "wall" ? setInterval(tellPainted, BEACON_MS) : undefined;
    return () => {
      clearInterval(timer);
      clearInterval(beaconTimer);
      keeper.close();
    };
  }, [store, identity, onSignedOut]);

  return (
    <ViewProvider value={view}>
      <HistoryContext.Provider value={history}>
        <Pages identity={identity} onSignedOut={onSignedOut} />
      </HistoryContext.Provider>
    </ViewProvider>
  );
}
