import type { Clock } from "../../contract/clock.ts";
import { LineSocket } from "./line-socket.ts";
import { DeviceError, type GpioPort } from "./port.ts";
import { turnstile } from "./turn.ts";

const ANSWER_MS = 1_500;

/** GPIO lines reached over TCP: `watch 17` gives `17 0` at once and on every change. */
export async function openSocketGpio(deps: {
  host: string;
  port: number;
  clock: Clock;
}): Promise<GpioPort> {
  const watchers = new Map<number, (level: 0 | 1) => void>();
  const lines = await LineSocket.open({
    ...deps,
    hello: "gpio",
    timeoutMs: ANSWER_MS,
    onNotice: (text) => {
      const [, line, level] = /^(\d+) ([01])$/.exec(text) ?? [];
      if (line === undefined) return false;
      watchers.get(Number(line))?.(level === "1" ? 1 : 0);
      return true;
    },
  });
  const turn = turnstile();
  const ask = async (request: string, answer: RegExp) => {
    const text = await turn(() => lines.request(request));
    const match = answer.exec(text);
    if (!match) throw new DeviceError("bus", `the GPIO server answered "${text}" to "${request}"`);
    return match;
  };
  const read = async (line: number) => {
    const [, level] = await ask(`read ${line}`, new RegExp(`^level ${line} ([01])$`));
    return level === "1" ? 1 : 0;
  };

  return {
    watch: (line, onLevel) =>
      turn(async () => {
        const first = new Promise<void>((resolve) => {
          watchers.set(line, (level) => {
            onLevel(level);
            resolve();
          });
        });
        await lines.requestNotice(`watch ${line}`, first);
      }),
    read,
    write: async (line, level) => {
      await ask(`write ${line} ${level}`, /^ok$/);
    },
    close: () => lines.close(),
    closed: lines.closed,
  };
}
