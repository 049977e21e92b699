/** Run as a process of its own that a test kills: watches one line and drives another until then. */
import { systemClock } from "../../../contract/clock.ts";
import { openGpiomon } from "../../../edge/bus/gpiomon.ts";

const port = await openGpiomon({ chip: "auto", clock: systemClock });
await port.watch(17, () => undefined);
await port.write(5, 1);
process.stdout.write("ready\n");
await port.closed;
process.exit(1);
