import { useState } from "preact/hooks";
import { errorText, type Identity, signIn } from "../api.ts";
import "./pages.css";

/** One field. The token goes to the hub once and is not kept in the page. */
export function SignIn(props: {
  problem: string | null;
  onSignedIn: (identity: Identity) => void;
}) {
  const [problem, setProblem] = useState(props.problem);
  const [isSending, setSending] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const token = String(new FormData(form).get("token") ?? "").trim();
    if (token === "" || isSending) return;
    setSending(true);
    setProblem(null);
    try {
      props.onSignedIn(await signIn(token));
    } catch (error) {
      setSending(false);
      setProblem(errorText(error));
    }
  };
  return (
    <main class="sign-in">
      <h1>Plenum</h1>
      <form onSubmit={submit}>
        <label for="token">Access token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          required
          maxLength={512}
        />
        <button type="submit" class="main-button" disabled={isSending}>
          {isSending ? "Signing in …" : "Sign in"}
        </button>
        <p class="problem" role="alert">
          {problem ?? ""}
        </p>
      </form>
    </main>
  );
}
