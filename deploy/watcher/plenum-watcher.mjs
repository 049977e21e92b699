/**
 * Listens for the heartbeat of Plenum hubs and tells people when it stops: the one thing a dead hub cannot
 * do itself. One file, no packages, Node 20 or later; run it on another machine, best in another building.
 *
 *   node plenum-watcher.mjs watcher.json
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";

const CHECK_EVERY_MS = 1_000;
const MAX_BODY_BYTES = 4_096;
const SEND_MS = 10_000;
/** A signed beat that was held back or recorded is no sign of life. */
const MAX_AGE_MS = 5 * 60_000;

const config = readConfig(process.argv[2]);
const startedMs = performance.now();
const sites = config.sites.map((site) => ({
  ...site,
  heardMs: startedMs,
  heardAt: null,
  lastStamp: 0,
  toldMs: null,
}));

const server = createServer((request, answer) => {
  const path = new URL(request.url ?? "/", "http://watcher").pathname;
  const site = sites.find((each) => each.path === path);
  if (!site) return void answer.writeHead(404).end();
  const parts = [];
  let bytes = 0;
  request.on("data", (part) => {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) request.destroy();
    else parts.push(part);
  });
  request.on("end", () => {
    const why = whyNot(site, request.headers, Buffer.concat(parts));
    if (why) return void answer.writeHead(403, { "content-type": "text/plain" }).end(`${why}\n`);
    heard(site);
    answer.writeHead(204).end();
  });
  request.on("error", () => answer.destroy());
});
server.requestTimeout = SEND_MS;
server.maxConnections = 100;
server.listen(config.port, config.host, () => {
  log(`listening on ${config.host}:${server.address().port} for ${sites.length} sites`);
});
const timer = setInterval(check, CHECK_EVERY_MS);
for (const signal of ["SIGTERM", "SIGINT"])
  process.once(signal, () => {
    clearInterval(timer);
    server.close();
    server.closeAllConnections();
  });

function heard(site) {
  site.heardMs = performance.now();
  site.heardAt = new Date();
  if (site.toldMs === null) return;
  site.toldMs = null;
  tell(site, "back", `Plenum at ${site.name} sends its heartbeat again.`);
}

function check() {
  const nowMs = performance.now();
  for (const site of sites) {
    const silentS = Math.round((nowMs - site.heardMs) / 1_000);
    if (silentS < site.silentAfterS) continue;
    if (site.toldMs !== null && nowMs - site.toldMs < config.repeatS * 1_000) continue;
    site.toldMs = nowMs;
    const since = site.heardAt ? `since ${site.heardAt.toISOString()}` : "ever since this start";
    const text =
      `Plenum at ${site.name} has sent no heartbeat for ${silentS} s (${since}). Its hub, its network or the way ` +
      "here is down, or the hub's check of itself fails. Nobody may be watching the room. Look at the hub.";
    tell(site, "silent", text);
  }
}

/** Why a beat is not taken; undefined when it is. */
function whyNot(site, headers, body) {
  if (!site.secret) return undefined;
  const stamp = String(headers["x-plenum-timestamp"] ?? "");
  const given = Buffer.from(String(headers["x-plenum-signature"] ?? ""));
  const hmac = createHmac("sha256", site.secret).update(`${stamp}.`).update(body).digest("hex");
  const wanted = Buffer.from(`sha256=${hmac}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return "wrong signature";
  if (Math.abs(Date.now() - Number(stamp) * 1_000) > MAX_AGE_MS) return "too old, or a wrong clock";
  if (Number(stamp) <= site.lastStamp) return "seen before";
  site.lastStamp = Number(stamp);
  return undefined;
}

function tell(site, state, text) {
  log(text);
  const ways = [];
  if (config.webhook)
    ways.push(["webhook", postTo(config.webhook, { site: site.name, state, text })]);
  if (config.mail) ways.push(["mail", mail(config.mail, `Plenum ${site.name}: ${state}`, text)]);
  for (const [way, sent] of ways)
    sent.catch((error) => {
      log(`${way} not sent: ${error.message}`);
      // What nobody was told is told again in a minute.
      if (state === "silent" && site.toldMs !== null)
        site.toldMs = performance.now() - Math.max(0, config.repeatS - 60) * 1_000;
    });
}

async function postTo(url, message) {
  const answer = await fetch(url, {
    method: "POST",
    redirect: "error",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
    signal: AbortSignal.timeout(SEND_MS),
  });
  if (!answer.ok) throw new Error(`answered ${answer.status}`);
}

/** One message to a relay that takes it from this machine without sign-in (SMTP, RFC 5321). */
function mail({ host, port = 25, from, to }, subject, text) {
  const head = [
    `From: ${from}`,
    `To: ${to.join(", ")}`,
    `Subject: ${subject}`,
    `Date: ${new Date().toUTCString()}`,
  ];
  const steps = [
    "EHLO plenum-watcher",
    `MAIL FROM:<${from}>`,
    ...to.map((one) => `RCPT TO:<${one}>`),
    "DATA",
    `${head.join("\r\n")}\r\n\r\n${text.replace(/^\./gm, "..")}\r\n.`,
    "QUIT",
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let heard = "";
    socket.setTimeout(SEND_MS, () => socket.destroy(new Error("no answer")));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the mail server hung up")));
    socket.on("data", (part) => {
      heard += part.toString();
      // An answer may have several lines; only its last has a space after the code.
      const reply = /^(\d{3}) .*\r?\n$/m.exec(heard);
      if (!reply) return;
      heard = "";
      if (Number(reply[1]) >= 400)
        return void socket.destroy(new Error(`mail server: ${reply[0].trim()}`));
      const step = steps.shift();
      if (step) socket.write(`${step}\r\n`);
      if (step === "QUIT" || !step) {
        resolve();
        socket.end();
      }
    });
  });
}

/** Reads the configuration; every problem is named before the program ends. */
function readConfig(file) {
  const problems = [];
  if (!file) stop(["say which file: node plenum-watcher.mjs watcher.json"]);
  let raw;
  try {
    raw = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    stop([`${file}: ${error.message}`]);
  }
  const { host = "0.0.0.0", port = 8090, repeatS = 3_600, sites = [], webhook, mail: relay } = raw;
  if (!Array.isArray(sites) || sites.length === 0)
    problems.push("sites: needs a list of at least one");
  if (!webhook && !relay) problems.push("needs webhook or mail: nobody would be told");
  if (relay && !(relay.host && relay.from && Array.isArray(relay.to)))
    problems.push("mail: needs host, from and to [..]");
  if (!(repeatS >= 60)) problems.push(`repeatS: ${repeatS}; allowed: 60 or more`);
  const read = (Array.isArray(sites) ? sites : []).map((site, index) => {
    const { name, path, silentAfterS = 180, secretFile } = site;
    if (typeof name !== "string") problems.push(`sites[${index}].name: is missing`);
    if (!/^\/[\w./-]+$/.test(path ?? ""))
      problems.push(`sites[${index}].path: ${path}; allowed: such as /beat/hall`);
    if (!(silentAfterS >= 1))
      problems.push(`sites[${index}].silentAfterS: ${silentAfterS}; allowed: 1 or more`);
    try {
      const secret = secretFile ? readFileSync(secretFile, "utf8").trim() : null;
      return { name, path, silentAfterS, secret };
    } catch (error) {
      problems.push(`sites[${index}].secretFile: ${error.message}`);
      return site;
    }
  });
  if (problems.length > 0) stop(problems.map((problem) => `${file}: ${problem}`));
  return { host, port, repeatS, sites: read, webhook, mail: relay };
}

function stop(problems) {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exit(1);
}

function log(text) {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
