import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";

/** Keeps a picture of the page in the folder `PLENUM_SHOTS` names, for people to look at; without it, nothing. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.PLENUM_SHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
