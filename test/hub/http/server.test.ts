import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_STREAM_CLIENTS } from "../../../hub/http/stream.ts";
import { ALARM, StandIn, tokenOf } from "./stand-in.ts";

let hub: StandIn;
const sockets: Socket[] = [];
beforeEach(async () => {
  hub = await new StandIn().start();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await hub.stop();
});

/** A raw connection that says something and collects what comes back. */
async function raw(text: string): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect(hub.service.port, "127.0.0.1");
  sockets.push(socket);
  let heard = "";
  socket.on("data", (chunk) => {
    heard += chunk.toString("latin1");
  });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  socket.write(text);
  return { socket, heard: () => heard };
}

const closed = (socket: Socket) => (socket.closed ? Promise.resolve() : once(socket, "close"));
const auth = `authorization: Bearer ${tokenOf("admin")}`;

test("A client that sends its headers too slowly is cut within 10 s; others are served meanwhile", async () => {
  const { socket } = await raw("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow:");
  const began = performance.now();
  expect((await hub.fetch("/healthz")).status).toBe(200);
  await closed(socket);
  expect(performance.now() - began).toBeLessThan(10_000);
}, 15_000);

test("A body announced as 100 MB is refused before it is sent", async () => {
  const { socket, heard } = await raw(
    `POST /api/v1/alarms/${ALARM.id}/ack HTTP/1.1\r\nhost: x\r\n${auth}\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n{`,
  );
  await once(socket, "data");
  expect(heard()).toContain("413");
  expect(hub.orders).toEqual([]);
});

test("A chunked body without end is cut off after 64 KB", async () => {
  const { socket, heard } = await raw(
    `POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  for (let i = 0; i < 5; i += 1) socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`);
  await once(socket, "data");
  expect(heard()).toContain("413");
});

test("10,000 headers are refused", async () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `x-${i}: y`).join("\r\n");
  const { socket, heard } = await raw(`GET /healthz HTTP/1.1\r\nhost: x\r\n${lines}\r\n\r\n`);
  await closed(socket);
  expect(heard()).toMatch(/^HTTP\/1\.1 431/);
});

test("What is not HTTP is answered with 400 and cut", async () => {
  const { socket, heard } = await raw("\x16\x03\x01 hello\r\n\r\n");
  await closed(socket);
  expect(heard()).toMatch(/^HTTP\/1\.1 400/);
});

test("A browser reads hello and the picture from the stream, and leaving frees its place", async () => {
  const abort = new AbortController();
  const answer = await hub.fetch("/api/v1/stream", { as: "wall", signal: abort.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("event: snap")) text += (await reader.read()).value ?? "";
  expect(text).toMatch(/^retry: 2000\nevent: hello\n/);
  expect(hub.service.stream.clients).toBe(1);
  abort.abort();
  await expect.poll(() => hub.service.stream.clients).toBe(0);
});

test("HEAD on the stream opens none", async () => {
  const answer = await hub.fetch("/api/v1/stream", { as: "wall", method: "HEAD" });
  expect(answer.status).toBe(405);
  expect(hub.service.stream.clients).toBe(0);
});

test("500 browsers on the stream: 100 are served, the others told to come back, the API answers", async () => {
  const request = `GET /api/v1/stream HTTP/1.1\r\nhost: x\r\n${auth}\r\n\r\n`;
  const all = await Promise.all(Array.from({ length: 450 }, () => raw(request)));
  await Promise.all(all.map(({ socket, heard }) => heard() || once(socket, "data")));
  const answered = (status: string) => all.filter(({ heard }) => heard().includes(status)).length;
  expect(answered("HTTP/1.1 200")).toBe(MAX_STREAM_CLIENTS);
  expect(answered("HTTP/1.1 503")).toBe(350);
  expect((await hub.fetch("/api/v1/points", { as: "viewer" })).status).toBe(200);
});

test("A reader that stops reading a real socket is cut, and memory does not grow for it", async () => {
  const { socket } = await raw(`GET /api/v1/stream HTTP/1.1\r\nhost: x\r\n${auth}\r\n\r\n`);
  await once(socket, "data");
  socket.pause();
  const { stream } = hub.service;
  const stop = new AbortController();
  const running = stream.run(stop.signal);
  hub.alarms.splice(0, 1, ...Array.from({ length: 2_000 }, (_, i) => ({ ...ALARM, id: `x.${i}` })));
  for (let s = 0; s < 60 && stream.dropped === 0; s += 1) {
    stream.alarmsChanged();
    await hub.clock.advance(1_000);
  }
  expect([stream.dropped, stream.clients]).toEqual([1, 0]);
  stop.abort();
  await running;
});

test("A busy port is an error that names it", async () => {
  const second = new StandIn();
  const { port } = hub.service;
  const { startHttp } = await import("../../../hub/http/server.ts");
  const { tokens, db, sources } = second;
  const log = (await import("./stand-in.ts")).silent;
  await expect(startHttp({ host: "127.0.0.1", port, tokens, db, sources, log })).rejects.toThrow(
    `${port}`,
  );
});
