/**
 * Measures alarm latency from a process of its own, so that the load's own work does not count: from
 * publishing a live value over the limit to the alarm on the event stream, again and again until told to
 * stop by the end of its input. Prints the latencies in ms as one JSON array.
 * Arguments: MQTT address, HTTP port.
 */
import { ALARM_ABOVE, passing, TOKEN } from "./load-hub.ts";
import { LoadNode } from "./node-load.ts";

/** Mean pause between two alarms; a random one, so that no beat of the hub is missed or always met. */
const PAUSE_MS = 12;
const LONGEST_MS = 10_000;

const [mqttUrl = "", httpPort = ""] = process.argv.slice(2);
const node = new LoadNode("probe", 1);
const id = `high.${node.points[0]}`;
const abort = new AbortController();
let stopping = false;
process.stdin.on("end", () => {
  stopping = true;
});
process.stdin.resume();

await node.connect(mqttUrl);
const stream = await openStream();
await clear();
const latencies: number[] = [];
let occurrence = 0;
while (!stopping) {
  const began = performance.now();
  node.publishLive(2 * ALARM_ABOVE);
  occurrence = await stream.raised(occurrence);
  latencies.push(performance.now() - began);
  await passing(Math.random() * 2 * PAUSE_MS);
  await clear();
}
abort.abort();
await node.close();
process.stdout.write(JSON.stringify(latencies.map((ms) => Math.round(ms * 100) / 100)));

/** Ends the alarm, and leaves the hub time for it: a reading must also be later than the one before. */
async function clear(): Promise<void> {
  node.publishLive(0);
  await passing(5 + Math.random() * 2 * PAUSE_MS);
}

interface AlarmFrame {
  id: string;
  occurrence: number;
}

async function openStream() {
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: abort.signal,
  });
  if (!answer.body) throw new Error(`The stream answers ${answer.status}.`);
  let newest = 0;
  let wake = () => {};
  void read(answer.body.pipeThrough(new TextDecoderStream()), (alarms) => {
    newest = alarms.find((alarm) => alarm.id === id)?.occurrence ?? newest;
    wake();
  }).catch((error: unknown) => {
    if (!abort.signal.aborted) throw error;
  });
  return {
    /** Resolves with the number of the next occurrence. */
    async raised(after: number): Promise<number> {
      const end = performance.now() + LONGEST_MS;
      while (newest <= after) {
        if (performance.now() > end) throw new Error(`No alarm within ${LONGEST_MS} ms.`);
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), passing(1_000)]);
      }
      return newest;
    },
  };
}

/** Frames are parsed only when they are lists of alarms: the others come often and are long. */
async function read(text: ReadableStream<string>, onAlarms: (alarms: AlarmFrame[]) => void) {
  let held = "";
  for await (const chunk of text) {
    const frames = (held + chunk).split("\n\n");
    held = frames.pop() ?? "";
    for (const frame of frames) {
      const match = /^event: alarms\ndata: (.*)$/m.exec(frame);
      if (match?.[1]) onAlarms(JSON.parse(match[1]) as AlarmFrame[]);
    }
  }
}
