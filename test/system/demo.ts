import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type ProgramName, Site } from "./site.ts";

/** Runs the demonstration until Ctrl-C; a program that dies is started again, as a service manager would. */
export async function runDemo(): Promise<void> {
  const dataDir = path.resolve(process.env.PLENUM_DATA ?? "data");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const token = process.env.PLENUM_DEMO_TOKEN ?? keptToken(path.join(dataDir, "demo-token"));
  const began = Date.now();
  let stopping = false;
  let site: Site | undefined;

  const onUnexpectedExit = (program: ProgramName, code: number | null) => {
    if (stopping) return;
    console.error(
      `${program} ended (code ${code}); its log is ${path.join(dataDir, "logs", `${program}.log`)}`,
    );
    if (program === "room" || !site) process.exit(1);
    setTimeout(() => stopping || site?.programs[program].start(), 1_000);
  };
  site = await Site.start({
    dataDir,
    token,
    httpPort: port("PLENUM_HTTP_PORT", 8080),
    mqttPort: port("PLENUM_MQTT_PORT", 1883),
    ...(process.env.PLENUM_INFLUX_URL ? { influxUrl: process.env.PLENUM_INFLUX_URL } : {}),
    onUnexpectedExit,
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      stopping = true;
      console.log("\nStopping");
      await site?.stop();
      process.exit(0);
    });

  const health = await site.ready();
  const seconds = ((Date.now() - began) / 1_000).toFixed(1);
  console.log(`  ready after ${seconds} s: ${health.points.fresh} points from ${health.nodes.online} edge nodes

The wall:            ${site.url}/#token=${token}
Sign in by hand:     ${site.url}/ with the token ${token}
Everything is kept   in ${dataDir} (logs in ${path.join(dataDir, "logs")})
Break something:     node dist/test/room/control.js trip crah-1   (no arguments: all commands)

Ctrl-C stops everything.`);
}

function port(variable: string, usual: number): number {
  const text = process.env[variable];
  if (text === undefined) return usual;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  console.error(`${variable} is "${text}"; allowed: a port from 0 (any free one) to 65535.`);
  process.exit(1);
}

/** Made at the first start and kept, so that a wall stays signed in. */
function keptToken(file: string): string {
  if (!existsSync(file))
    writeFileSync(file, randomBytes(24).toString("base64url"), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}
