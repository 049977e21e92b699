import { render } from "preact";
import "@fontsource-variable/inter";
import "./theme.css";
import { App } from "./app.tsx";

// A fragment never reaches a server or its log; it is gone from the address before anything else happens.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token !== null) history.replaceState(null, "", location.pathname + location.search);
if (new URLSearchParams(location.search).get("theme") === "night")
  document.documentElement.classList.add("night");

const root = document.getElementById("app");
if (root) render(<App token={token} />, root);
