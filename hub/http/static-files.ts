import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/** More than this is not our web build; the hub refuses to start with it. */
const MAX_TOTAL_BYTES = 50 * 1024 * 1024;
const YEAR_S = 31_536_000;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

export interface StaticFile {
  body: Uint8Array<ArrayBuffer>;
  headers: Record<string, string>;
}

/**
 * The web pages, read once at start: a request is looked up in a table and never becomes a file name.
 * `build` names this build; a page that learns of another one loads itself again.
 */
export class StaticFiles {
  readonly build: string;
  readonly #files = new Map<string, StaticFile>();

  constructor(folder: string | undefined) {
    if (folder !== undefined) this.#load(folder);
    this.build = this.#files.get("/index.html")?.headers.etag?.replaceAll('"', "") ?? "none";
  }

  /** The file of a path; for a page's address (`/wall`, `/rack/a03`) the one page there is. */
  find(urlPath: string): StaticFile | undefined {
    const file = this.#files.get(urlPath);
    if (file) return file;
    return isPage(urlPath) ? this.#files.get("/index.html") : undefined;
  }

  #load(folder: string): void {
    let total = 0;
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const name of names) {
      const file = path.join(folder, name);
      if (!statSync(file).isFile()) continue;
      const body = new Uint8Array(readFileSync(file));
      total += body.length;
      if (total > MAX_TOTAL_BYTES)
        throw new RangeError(`${folder} holds more than ${MAX_TOTAL_BYTES} bytes: not web pages`);
      const urlPath = `/${name.split(path.sep).join("/")}`;
      this.#files.set(urlPath, { body, headers: headersOf(urlPath, body) });
    }
  }
}

const PAGES =
  /^\/(|wall|alarms|incidents|doors|login|alarm-health|problems|coverage|notifications|rehearsal|put-aside|(incidents|rack|room|power|cooling|node|point)\/[a-z0-9_.-]+)\/?$/;

function isPage(urlPath: string): boolean {
  return PAGES.test(urlPath);
}

function headersOf(urlPath: string, body: Uint8Array): Record<string, string> {
  const hash = createHash("sha256").update(body).digest("base64url").slice(0, 16);
  // vite puts the content's hash into the name of everything below assets/.
  const hashed = urlPath.startsWith("/assets/");
  return {
    "content-type": TYPES[path.extname(urlPath)] ?? "application/octet-stream",
    "cache-control": hashed ? `public, max-age=${YEAR_S}, immutable` : "no-cache",
    etag: `"${hash}"`,
  };
}
