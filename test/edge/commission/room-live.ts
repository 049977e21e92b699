import { readFileSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import { systemClock } from "../../../contract/clock.ts";
import { type BusDeps, busLoops, machinePorts, type Ports } from "../../../edge/buses.ts";
import { Live } from "../../../edge/commission/live.ts";
import { tapped } from "../../../edge/commission/tap.ts";
import type { Terminal } from "../../../edge/commission/watch.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import type { EdgeConfig } from "../../../edge/config/edge-config.ts";
import type { BusLoop } from "../../../edge/poll/loop.ts";
import type { Room } from "../../room/room.ts";

/** One I2C bus, one probe, two contacts and one UPS of the room. */
export function roomConfig({ ports }: Room): EdgeConfig {
  const wire = `tcp://127.0.0.1:${ports.wire}`;
  const text = `node: pi-1
hub: { url: "mqtt://127.0.0.1" }
spool: { path: spool.db }
buses:
  - { id: i2c-11, type: i2c, device: "${wire}" }
  - { id: w1, type: one-wire, path: "${ports.w1}" }
  - { id: gpio, type: gpio, chip: "${wire}" }
  - { id: net-ups-a, type: modbus-tcp, host: 127.0.0.1, port: ${ports.tcp["ups-a"]} }
devices:
  - { id: a01-top, bus: i2c-11, driver: sht31, address: 0x44, every: 500ms, points: { temperature: a01.inlet-top, humidity: a01.humidity } }
  - { id: a02-top, bus: i2c-11, driver: sht31, address: 0x45, every: 500ms, points: { temperature: a02.inlet-top } }
  - { id: 28-000000000a01, bus: w1, driver: ds18b20, every: 500ms, points: { temperature: a01.exhaust } }
  - { id: ups-a, bus: net-ups-a, profile: apc-smartups-990-9840, unit: 1 }
doors:
  - { id: door-a1, label: South, bus: gpio, line: 17, debounce: 50ms }
inputs:
  - { point: leak.rope, bus: gpio, line: 24, debounce: 50ms }
`;
  const checked = checkEdge(text, path.join(ports.w1, "edge.yaml"), ownCatalogue());
  if ("problems" in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.config;
}

export function liveLoops(config: EdgeConfig): { live: Live; loops: BusLoop[] } {
  const catalogue = ownCatalogue();
  const live = new Live(config, catalogue, systemClock);
  const ports: Ports = tapped(machinePorts(systemClock), live.tap);
  const deps: BusDeps = {
    config,
    catalogue,
    ports,
    sink: live.sink,
    urgentSink: live.sink,
    doors: { state: () => undefined, trouble: () => undefined },
    memory: { recall: () => undefined, remember: () => undefined },
    clock: systemClock,
    log: pino({ level: "silent" }),
  };
  return { live, loops: busLoops(deps) };
}

/** A terminal that a test looks at and types on; without a size it is a pipe. */
export class FakeTerminal implements Terminal {
  text = "";
  restored = 0;
  #resize = () => {};
  #key = (_key: string) => {};

  constructor(public dimensions?: { columns: number; rows: number }) {}

  write(text: string): void {
    this.text += text;
  }
  size = () => this.dimensions;
  onResize(listener: () => void): void {
    this.#resize = listener;
  }
  onKey(listener: (key: string) => void): void {
    this.#key = listener;
  }
  onGone(listener: () => void): void {
    this.leave = listener;
  }
  /** Nobody reads any longer. */
  leave = () => {};
  restore(): void {
    this.restored += 1;
  }
  resize(columns: number, rows: number): void {
    this.dimensions = { columns, rows };
    this.#resize();
  }
  press(key: string): void {
    this.#key(key);
  }
  /** What was drawn last, without colours. */
  screen(): string[] {
    const frame = this.text.split("\x1b[H").at(-1) ?? "";
    return plain(frame).split("\r\n");
  }
}

/** Without the control sequences of a terminal. */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}\[[?\d;]*[A-Za-z]/gu, "");
}

export const readLines = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");
