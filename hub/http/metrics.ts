import { monitorEventLoopDelay } from "node:perf_hooks";
import { isOwnNode } from "../own-nodes.ts";
import { type Labels, pointGauges } from "./point-metrics.ts";
import type { HttpSources } from "./sources.ts";
import type { Views } from "./views.ts";

export interface HttpCounters {
  streamClients: number;
  streamDropped: number;
  refusedRequests: number;
}

const LOOP_SAMPLE_MS = 20;

/** The Prometheus text of everything worth a graph. */
export class Metrics {
  readonly #sources: HttpSources;
  readonly #views: Views;
  readonly #counters: () => HttpCounters;
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });

  constructor(deps: { sources: HttpSources; views: Views; counters: () => HttpCounters }) {
    this.#sources = deps.sources;
    this.#views = deps.views;
    this.#counters = deps.counters;
    this.#loopDelay.enable();
  }

  text(): string {
    const page = new MetricsPage();
    this.#ingest(page);
    this.#nodes(page);
    this.#alarms(page);
    this.#process(page);
    if (this.#sources.pointMetrics)
      pointGauges(
        this.#sources,
        (node) => !isOwnNode(node),
        (name, help, value, labels) => page.gauge(name, help, value, labels),
      );
    return page.text();
  }

  close(): void {
    this.#loopDelay.disable();
  }

  #ingest(page: MetricsPage): void {
    const { stored, refused, quarantined } = this.#sources.ingest.totals();
    const { store, points } = this.#views.health();
    page.counter("plenum_readings_stored_total", "Readings durably stored", stored);
    page.counter("plenum_rows_refused_total", "Rows refused", refused);
    page.counter("plenum_rows_quarantined_total", "Messages and rows in quarantine", quarantined);
    page.gauge("plenum_store_up", "1 while the history store takes readings", store.ok ? 1 : 0, {
      kind: store.kind,
    });
    page.gauge("plenum_store_lag_seconds", "Age of the oldest unstored row", store.lagMs / 1_000);
    page.gauge("plenum_points", "Points", points.total);
    page.gauge("plenum_points_fresh", "Points with a fresh reading", points.fresh);
  }

  #nodes(page: MetricsPage): void {
    const now = this.#sources.clock.nowMs();
    for (const node of this.#views.nodes()) {
      const labels = { node: node.id };
      const seenS = Math.max(0, now - node.lastSeenAt) / 1_000;
      page.gauge("plenum_node_online", "1 while connected", node.online ? 1 : 0, labels);
      page.gauge("plenum_node_backlog_rows", "Rows waiting on the node", node.backlog, labels);
      page.gauge("plenum_node_silent_seconds", "Since it was last heard", seenS, labels);
      page.counter("plenum_node_stored_total", "Rows stored", node.stored, labels);
      page.counter("plenum_node_refused_total", "Rows refused", node.refused, labels);
      page.counter("plenum_node_quarantined_total", "In quarantine", node.quarantined, labels);
    }
  }

  #alarms(page: MetricsPage): void {
    const counts = new Map<string, number>();
    for (const { priority, state } of this.#sources.alarms.views()) {
      const key = `${priority} ${state}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    for (const [key, count] of counts) {
      const [priority = "", state = ""] = key.split(" ");
      page.gauge("plenum_alarms", "Alarms by priority and state", count, { priority, state });
    }
    const { queued, failed } = this.#sources.outbox.counts();
    page.gauge("plenum_notifications", "Deliveries", queued, { state: "queued" });
    page.gauge("plenum_notifications", "Deliveries", failed, { state: "failed" });
  }

  #process(page: MetricsPage): void {
    const { streamClients, streamDropped, refusedRequests } = this.#counters();
    page.gauge("plenum_stream_clients", "Browsers on the event stream", streamClients);
    page.counter("plenum_stream_dropped_total", "Stream readers dropped", streamDropped);
    page.counter("plenum_requests_refused_total", "Wrong token or role", refusedRequests);
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    // The package counts its own sampling interval as delay.
    const delayS = Math.max(0, this.#loopDelay.percentile(99) / 1e9 - LOOP_SAMPLE_MS / 1_000);
    page.counter("process_cpu_seconds_total", "CPU time", (user + system) / 1e6);
    page.gauge("process_resident_memory_bytes", "Memory", rss);
    page.gauge("nodejs_heap_size_used_bytes", "JavaScript heap", heapUsed);
    page.gauge("nodejs_eventloop_lag_p99_seconds", "Event loop delay", delayS);
    this.#loopDelay.reset();
  }
}

class MetricsPage {
  readonly #lines = new Map<string, string[]>();

  counter(name: string, help: string, value: number, labels: Labels = {}): void {
    this.#add(name, `# HELP ${name} ${help}\n# TYPE ${name} counter`, value, labels);
  }

  gauge(name: string, help: string, value: number, labels: Labels = {}): void {
    this.#add(name, `# HELP ${name} ${help}\n# TYPE ${name} gauge`, value, labels);
  }

  /** Samples of one name must stand together. */
  text(): string {
    return `${[...this.#lines.values()].flat().join("\n")}\n`;
  }

  #add(name: string, head: string, value: number, labels: Labels): void {
    const lines = this.#lines.get(name) ?? [head];
    this.#lines.set(name, lines);
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    lines.push(`${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}`);
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
