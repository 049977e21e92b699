/**
 * Listens for the heartbeat of Plenum hubs and tells people when it stops: the one thing a dead hub cannot
 * do itself. One file, no packages, Node 20 or later; run it on another machine, best in another building.
 *
 *   node plenum-watcher.mjs watcher.json            watch
 *   node plenum-watcher.mjs watcher.json --test     tell everybody a test, and say how it went
 */
import { execFile } from "node:child_process";
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";

const CHECK_EVERY_MS = 1_000;
const MAX_BODY_BYTES = 4_096;
const SEND_MS = 10_000;
/** A signed beat that was held back or recorded is no sign of life. */
const MAX_AGE_MS = 5 * 60_000;

const config = readConfig(process.argv[2]);
if (process.argv[3] === "--test") await test();
const startedMs = performance.now();
const remembered = recall();
const sites = config.sites.map((site) => {
  const { heardAt = null, lastStamp = 0, toldAt = null } = remembered[site.path] ?? {};
  const toldAgoMs = toldAt === null ? 0 : Math.max(0, Date.now() - Date.parse(toldAt));
  return {
    ...site,
    // What was sent while nobody listened is not known: silence counts from this start.
    heardMs: startedMs,
    heardAt: heardAt === null ? null : new Date(heardAt),
    lastStamp,
    toldMs: toldAt === null ? null : startedMs - Math.min(toldAgoMs, config.repeatS * 1_000),
    toldAt,
    /** The newest message each way still owes; an older one is dropped for it. */
    owed: new Map(),
  };
});

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
  const wasTold = site.toldMs !== null;
  site.toldMs = null;
  site.toldAt = null;
  remember();
  if (wasTold) tell(site, "back", `Plenum at ${site.name} sends its heartbeat again.`);
}

function check() {
  const nowMs = performance.now();
  for (const site of sites) {
    payDebts(site, nowMs);
    const silentS = Math.round((nowMs - site.heardMs) / 1_000);
    if (silentS < site.silentAfterS) continue;
    if (site.toldMs !== null && nowMs - site.toldMs < config.repeatS * 1_000) continue;
    site.toldMs = nowMs;
    site.toldAt = new Date().toISOString();
    remember();
    const last = site.heardAt ? `the last came ${site.heardAt.toISOString()}` : "none ever came";
    const text =
      `Plenum at ${site.name} has sent no heartbeat for ${silentS} s (${last}). Its hub, its network or the way ` +
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
  for (const way of ways()) site.owed.set(way.name, { ...way, state, text, dueMs: 0 });
  payDebts(site, performance.now());
}

/** Sends what is owed and due; a way that fails is tried again after `retryS`, without the others. */
function payDebts(site, nowMs) {
  for (const [name, debt] of site.owed) {
    if (nowMs < debt.dueMs) continue;
    debt.dueMs = nowMs + config.retryS * 1_000;
    debt.send(site.name, debt.state, debt.text).then(
      () => {
        if (site.owed.get(name) === debt) site.owed.delete(name);
      },
      (error) => log(`${name} not told: ${error.message}`),
    );
  }
}

/** Every way there is to tell people. */
function ways() {
  const { webhook, mail: relay, command } = config;
  const list = [];
  const post = (site, state, text) => postTo(webhook, { site, state, text });
  if (webhook) list.push({ name: "webhook", send: post });
  const write = (site, state, text) => mail(relay, `Plenum ${site}: ${state}`, text);
  if (relay) list.push({ name: "mail", send: write });
  const start = (site, state, text) => run(command, { site, state, text });
  if (command) list.push({ name: "command", send: start });
  return list;
}

/** Tells a test every way, prints how each went and ends: with 1 when one failed. */
async function test() {
  const text = "Test of the Plenum watcher. Nothing is wrong.";
  let failed = 0;
  for (const { name, send } of ways())
    await send(config.sites[0].name, "test", text).then(
      () => log(`${name}: told`),
      (error) => {
        failed += 1;
        log(`${name} not told: ${error.message}`);
      },
    );
  process.exit(failed > 0 ? 1 : 0);
}

/** A siren, a lamp, a modem: whatever can be started here. The words are in its environment, not in a shell. */
function run([file, ...words], { site, state, text }) {
  const env = { ...process.env, PLENUM_SITE: site, PLENUM_STATE: state, PLENUM_TEXT: text };
  return new Promise((resolve, reject) => {
    const options = { env, timeout: SEND_MS, killSignal: "SIGKILL", maxBuffer: 65_536 };
    execFile(file, words, options, (error) => (error ? reject(error) : resolve()));
  });
}

/** What was known before the last restart; nothing when no file can be read. */
function recall() {
  if (!config.stateFile) return {};
  try {
    return JSON.parse(readFileSync(config.stateFile, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") log(`starting afresh, ${config.stateFile}: ${error.message}`);
    return {};
  }
}

function remember() {
  if (!config.stateFile) return;
  const known = {};
  for (const { path, heardAt, lastStamp, toldAt } of sites)
    known[path] = { heardAt, lastStamp, toldAt };
  try {
    writeFileSync(`${config.stateFile}.new`, JSON.stringify(known));
    renameSync(`${config.stateFile}.new`, config.stateFile);
  } catch (error) {
    // Telling people matters more than remembering it.
    log(`not remembered, ${config.stateFile}: ${error.message}`);
  }
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
  const { host = "0.0.0.0", port = 8090, repeatS = 3_600, sites = [], webhook, command } = raw;
  const { mail: relay, retryS = 60 } = raw;
  // systemd names the folder it keeps for the service.
  const kept = process.env.STATE_DIRECTORY;
  const { stateFile = kept ? join(kept, "state.json") : null } = raw;
  if (!Array.isArray(sites) || sites.length === 0)
    problems.push("sites: needs a list of at least one");
  if (!webhook && !relay && !command)
    problems.push("needs webhook, mail or command: nobody would be told");
  const isCommand = Array.isArray(command) && command[0]?.startsWith?.("/");
  if (command && !isCommand)
    problems.push('command: needs a list, the program first: ["/usr/local/bin/siren", "on"]');
  if (relay && !(relay.host && relay.from && Array.isArray(relay.to)))
    problems.push("mail: needs host, from and to [..]");
  if (!(repeatS >= 60)) problems.push(`repeatS: ${repeatS}; allowed: 60 or more`);
  if (!(retryS >= 1)) problems.push(`retryS: ${retryS}; allowed: 1 or more`);
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
  return { host, port, repeatS, retryS, stateFile, sites: read, webhook, mail: relay, command };
}

function stop(problems) {
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exit(1);
}

function log(text) {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
