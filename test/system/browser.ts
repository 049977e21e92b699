import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PROGRAM = "/usr/bin/chromium";
/** Headless, and without the calls to its maker that a closed network refuses one by one. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium. Throws with what to install when it is not there. */
export function openBrowser(): Promise<Browser> {
  if (!existsSync(PROGRAM))
    throw new Error(`${PROGRAM} is missing. Install it with: sudo apt-get install chromium`);
  return chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS });
}
