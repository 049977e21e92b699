/** The demonstration hall: what stands where, and how it is wired. The only place that knows names. */

export interface Place {
  x: number;
  y: number;
}
export interface RackPlace extends Place {
  id: string;
  row: "a" | "b";
}
export interface CoolingPlace extends Place {
  id: string;
  /** Most heat it can carry away. */
  capacityW: number;
}
export interface DoorPlace extends Place {
  id: string;
  line: number;
}

const RACKS_PER_ROW = 8;

export const RACKS: readonly RackPlace[] = (["a", "b"] as const).flatMap((row) =>
  Array.from({ length: RACKS_PER_ROW }, (_, i) => ({
    id: `${row}0${i + 1}`,
    row,
    x: 2.6 + 0.8 * i,
    y: row === "a" ? 1.3 : 4.7,
  })),
);

/** CRAH 3 stands alone at its end of the hall, so it is the larger model. */
export const COOLING: readonly CoolingPlace[] = [
  { id: "crah-1", x: 0.3, y: 1.0, capacityW: 45_000 },
  { id: "crah-2", x: 0.3, y: 4.2, capacityW: 45_000 },
  { id: "crah-3", x: 10.0, y: 2.6, capacityW: 75_000 },
];

export const DOORS: readonly DoorPlace[] = [
  { id: "door-a1", line: 17, x: 3.0, y: 7.2 },
  { id: "door-a2", line: 27, x: 8.0, y: 7.2 },
  { id: "door-b1", line: 22, x: 3.0, y: 0 },
  { id: "door-ups", line: 23, x: 8.0, y: 0 },
];
export const LEAK_POINT = "leak.rope";
export const LEAK_LINE = 24;

export const FEEDS = ["a", "b"] as const;
export type Feed = (typeof FEEDS)[number];
export const GENERATOR = "gen-1";

/** PDU x1 carries row a, PDU x2 row b, on the feed its name says. */
export const PDUS = [
  { id: "pdu-a1", feed: "a", row: "a" },
  { id: "pdu-a2", feed: "a", row: "b" },
  { id: "pdu-b1", feed: "b", row: "a" },
  { id: "pdu-b2", feed: "b", row: "b" },
] as const;

export type ChipModel = "sht31" | "tmp117";
export interface ChipPlace {
  bus: string;
  address: number;
  model: ChipModel;
  /** Point per channel. */
  temperature: string;
  humidity?: string;
}

/** One bus per rack pair, as a kernel multiplexer gives them: i2c-11 has a01 and a02, i2c-18 b07 and b08. */
export const CHIPS: readonly ChipPlace[] = RACKS.flatMap(({ id }, index) => {
  const bus = `i2c-${11 + Math.floor(index / 2)}`;
  const second = index % 2;
  return [
    {
      bus,
      address: 0x44 + second,
      model: "sht31" as const,
      temperature: `${id}.inlet-top`,
      humidity: `${id}.humidity`,
    },
    { bus, address: 0x48 + second, model: "tmp117" as const, temperature: `${id}.inlet-mid` },
    { bus, address: 0x4a + second, model: "tmp117" as const, temperature: `${id}.inlet-bottom` },
  ];
});
export const I2C_BUSES: readonly string[] = [...new Set(CHIPS.map((chip) => chip.bus))];

/** 1-Wire identity of the exhaust sensor of each rack: a01 → 28-000000000a01. */
export const PROBES = RACKS.map(({ id }) => ({ rom: `28-000000000${id}`, point: `${id}.exhaust` }));

/** Levels behind normally closed loops: door open, rope wet or wire cut = 1. */
export const INPUTS = [
  ...DOORS.map(({ id, line }) => ({ line, point: `${id}.open` })),
  { line: LEAK_LINE, point: LEAK_POINT },
];

export interface ModbusUnit {
  device: string;
  unit: number;
  profile: string;
}
const METER = "eastron-sdm630";
const UPS = "apc-smartups-990-9840";
const COOLER = "apc-inrow-sc";
const GENSET = "dse-genset";

/** Modbus TCP listeners by name, each with the units that answer behind it. */
export const TCP_SERVERS: readonly { name: string; units: readonly ModbusUnit[] }[] = [
  ...FEEDS.map((feed) => `ups-${feed}`).map((name) => server(name, UPS, 1)),
  ...COOLING.map(({ id }) => server(id, COOLER, 1)),
  server(GENERATOR, GENSET, 10),
  {
    name: "pdus",
    units: PDUS.map(({ id }, i) => ({ device: id, unit: 11 + i, profile: METER })),
  },
];
/** Units on the RS-485 line, 9600 8N1. */
export const RTU_UNITS: readonly ModbusUnit[] = FEEDS.map((feed, i) => ({
  device: `utility-${feed}`,
  unit: i + 1,
  profile: METER,
}));

function server(name: string, profile: string, unit: number) {
  return { name, units: [{ device: name, unit, profile }] };
}
