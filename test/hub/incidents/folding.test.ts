import { expect, test } from "vitest";
import { Desk } from "./desk.ts";

type Step = [minute: number, does: "raise" | "clear" | "ack", alarm: string];
type Story = [title: string, steps: Step[], groups: string[]];

const UTILITY_A = "lost.utility-a.voltage-l1";
const UTILITY_B = "lost.utility-b.voltage-l1";
const UPS_A = "is.ups-a.on-battery";
const CRAH_1 = "stopped.crah-1.running";
const CRAH_2 = "stopped.crah-2.running";
const CRAH_3 = "stopped.crah-3.running";
const GENERATOR = "is.gen-1.shutdown";
const hot = (rack: string) => `hot.${rack}.inlet-top`;
const mute = (point: string) => `no-reading.${point}`;

const STORIES: Story[] = [
  [
    "a lost utility takes its UPS, a cooling unit on that feed and the racks that get warm",
    [
      [0, "raise", UTILITY_A],
      [0.1, "raise", UPS_A],
      [0.2, "raise", CRAH_1],
      [6, "raise", hot("a03")],
      [8, "raise", hot("b02")],
      [9, "raise", "critical.a03.inlet-top"],
    ],
    [`${UTILITY_A}: critical.a03.inlet-top ${hot("a03")} ${hot("b02")} ${UPS_A} ${CRAH_1}`],
  ],
  [
    "a cause that is raised 20 s after its symptom takes it over",
    [
      [0, "raise", UPS_A],
      [0.3, "raise", UTILITY_A],
    ],
    [`${UTILITY_A}: ${UPS_A}`],
  ],
  [
    "a cause that is raised 10 min after warm racks of its hall takes both over",
    [
      [0, "raise", hot("a01")],
      [0.1, "raise", hot("a06")],
      [10, "raise", CRAH_1],
      [10, "raise", hot("c01")],
    ],
    [`${CRAH_1}: ${hot("a01")} ${hot("a06")}`, hot("c01")],
  ],
  [
    "a cause that is raised 40 min after a warm rack has nothing to do with it",
    [
      [0, "raise", hot("a01")],
      [40, "raise", CRAH_1],
    ],
    [hot("a01"), CRAH_1],
  ],
  [
    "a tripped unit found first goes under the utility that explains it, and its racks with it",
    [
      [0, "raise", CRAH_1],
      [1, "raise", hot("a02")],
      [2, "raise", UTILITY_A],
    ],
    [`${UTILITY_A}: ${hot("a02")} ${CRAH_1}`],
  ],
  [
    "two causes at once are two incidents, and a rack goes to the nearer cooling unit",
    [
      [0, "raise", CRAH_1],
      [0, "raise", CRAH_2],
      [5, "raise", hot("a01")],
      [5, "raise", hot("a06")],
    ],
    [`${CRAH_1}: ${hot("a01")}`, `${CRAH_2}: ${hot("a06")}`],
  ],
  [
    "both utilities lost are two incidents, each with its own UPS",
    [
      [0, "raise", UTILITY_A],
      [0, "raise", UTILITY_B],
      [0.2, "raise", UPS_A],
      [0.2, "raise", "is.ups-b.on-battery"],
    ],
    [`${UTILITY_A}: ${UPS_A}`, `${UTILITY_B}: is.ups-b.on-battery`],
  ],
  [
    "a generator that fails while the utility is lost needs somebody else: its own incident",
    [
      [0, "raise", UTILITY_A],
      [0.1, "raise", UPS_A],
      [0.5, "raise", GENERATOR],
    ],
    [`${UTILITY_A}: ${UPS_A}`, GENERATOR],
  ],
  [
    "a unit that serves row b explains no warm rack of row a",
    [
      [0, "raise", CRAH_3],
      [5, "raise", hot("b03")],
      [5, "raise", hot("a03")],
    ],
    [`${CRAH_3}: ${hot("b03")}`, hot("a03")],
  ],
  [
    "a silent node takes the points it reads, before and after, and no others",
    [
      [0, "raise", mute("a03.inlet-top")],
      [1, "raise", "silent.edge-hall"],
      [2, "raise", mute("b01.humidity")],
      [2, "raise", mute("ups-a.load")],
    ],
    [`silent.edge-hall: ${mute("a03.inlet-top")} ${mute("b01.humidity")}`, mute("ups-a.load")],
  ],
  [
    "a failing bus takes the points read through it, and a silent node takes the bus",
    [
      [0, "raise", mute("a01.inlet-top")],
      [0, "raise", mute("a03.inlet-top")],
      [1, "raise", "is.edge-hall.bus-i2c-11-errors"],
      [1, "raise", mute("a02.humidity")],
    ],
    [
      mute("a03.inlet-top"),
      `is.edge-hall.bus-i2c-11-errors: ${mute("a01.inlet-top")} ${mute("a02.humidity")}`,
    ].reverse(),
  ],
  [
    "a meter that dies with its feed is a symptom, a sensor that dies by itself is not",
    [
      [0, "raise", UTILITY_A],
      [1, "raise", mute("ups-a.load")],
      [1, "raise", mute("a03.inlet-top")],
    ],
    [`${UTILITY_A}: ${mute("ups-a.load")}`, mute("a03.inlet-top")],
  ],
  [
    "a rack that gets warm does not explain that its sensor is silent",
    [
      [0, "raise", hot("a03")],
      [1, "raise", mute("a03.inlet-top")],
    ],
    [hot("a03"), mute("a03.inlet-top")],
  ],
  [
    "an open door warms the racks within 5 m of it, not the far end of the hall",
    [
      [0, "raise", "is.door-1.open"],
      [10, "raise", hot("b01")],
      [10, "raise", hot("a06")],
    ],
    [`is.door-1.open: ${hot("b01")}`, hot("a06")],
  ],
  [
    "racks that touch share their air: one hot spot is one incident, a far rack another",
    [
      [0, "raise", hot("a02")],
      [2, "raise", hot("a03")],
      [4, "raise", hot("a05")],
      [4, "raise", hot("c05")],
    ],
    [`${hot("a02")}: ${hot("a03")} ${hot("a05")}`, hot("c05")],
  ],
  [
    "a leak, a warm rack and an open door far away are three incidents",
    [
      [0, "raise", "is.leak.rope"],
      [0, "raise", "is.door-1.open"],
      [1, "raise", hot("a06")],
    ],
    ["is.leak.rope", "is.door-1.open", hot("a06")],
  ],
  [
    "several alarms of one rack are one incident",
    [
      [0, "raise", hot("a03")],
      [1, "raise", "hot.a03.inlet-mid"],
      [2, "raise", "critical.a03.inlet-top"],
    ],
    [`${hot("a03")}: critical.a03.inlet-top hot.a03.inlet-mid`],
  ],
  [
    "a rack that comes back into alarm while its incident is open stays in it",
    [
      [0, "raise", CRAH_1],
      [5, "raise", hot("a01")],
      [8, "clear", hot("a01")],
      [90, "raise", hot("a01")],
    ],
    [`${CRAH_1}: ${hot("a01")}`],
  ],
  [
    "the lead that clears leaves its symptoms together",
    [
      [0, "raise", CRAH_1],
      [5, "raise", hot("a01")],
      [5, "raise", hot("a06")],
      [6, "ack", CRAH_1],
      [7, "clear", CRAH_1],
    ],
    [`${CRAH_1}: ${hot("a01")} ${hot("a06")}`],
  ],
  [
    "a rack that gets warm 20 min after the unit runs again still follows from it, 40 min after not",
    [
      [0, "raise", CRAH_1],
      [5, "clear", CRAH_1],
      [25, "raise", hot("a01")],
      [45.5, "raise", hot("a06")],
    ],
    [`${CRAH_1}: ${hot("a01")}`, hot("a06")],
  ],
  [
    "a battery to be replaced explains nothing and is explained by nothing",
    [
      [0, "raise", "is.ups-a.replace-battery"],
      [1, "raise", UTILITY_A],
      [1.1, "raise", UPS_A],
    ],
    ["is.ups-a.replace-battery", `${UTILITY_A}: ${UPS_A}`],
  ],
];

test.each(STORIES)("%s", async (_title, steps, groups) => {
  const desk = new Desk();
  let minute = 0;
  for (const [at, does, alarm] of steps) {
    await desk.clock.advance(Math.round((at - minute) * 60_000));
    minute = at;
    desk[does](alarm);
  }
  expect(desk.groups().sort()).toEqual([...groups].sort());
  expect(desk.again().groups().sort()).toEqual([...groups].sort());
});

test("a rack too cold has nothing to do with a cooling unit that stands still", () => {
  const desk = new Desk();
  desk.raise(CRAH_1);
  desk.raise(hot("a03"), { limit: 15, value: 12 });
  expect(desk.groups()).toHaveLength(2);
});
