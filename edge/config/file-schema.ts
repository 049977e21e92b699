import { z } from "zod";
import { block, duration, says } from "../../contract/yaml-words.ts";
import { ruleSchema } from "./rule.ts";
import {
  busSchema,
  doorSchema,
  hubUrl,
  i2cDeviceSchema,
  inputSchema,
  kernelDeviceSchema,
  modbusDeviceSchema,
  nutDeviceSchema,
  oneWireDeviceSchema,
  outputSchema,
  pulseSchema,
} from "./schema.ts";
import { id, path, text, whole } from "./words.ts";

/** The lists of the file, in the order in which they are best written. */
export const LISTS = [
  "buses",
  "devices",
  "doors",
  "inputs",
  "pulses",
  "outputs",
  "alarms",
] as const;
export type ListName = (typeof LISTS)[number];

const list = <T extends z.ZodType>(item: T, what: string) =>
  z.array(item, says(`write a list of ${what}, each beginning with -`)).default([]);

const top = {
  node: id("a node id"),
  label: text("a label").optional(),
  hub: block("hub", {
    url: z.string(hubUrl).regex(/^mqtts?:\/\/[^\s/:]+(:\d{1,5})?$/, hubUrl),
    /** Folder of the node's key and certificate, for mqtts. */
    identity: path.default("identity"),
  }),
  spool: block("spool", {
    path,
    quotaMb: whole(8, 65_536, "quotaMb").default(256),
    commitEvery: duration("500ms", "1m").default(2_000),
  }),
};

/** Everything but the entries of the lists, which are checked one by one so that one mistake hides no other. */
export const frameSchema = block("the file", {
  ...top,
  buses: list(z.unknown(), "buses"),
  devices: list(z.unknown(), "devices"),
  doors: list(z.unknown(), "doors"),
  inputs: list(z.unknown(), "inputs"),
  pulses: list(z.unknown(), "pulse meters"),
  outputs: list(z.unknown(), "outputs"),
  alarms: list(z.unknown(), "alarm rules"),
});

/** The whole file, for editors. */
export const edgeSchema = block("the file", {
  ...top,
  buses: list(busSchema, "buses"),
  devices: list(
    z.union([
      i2cDeviceSchema,
      oneWireDeviceSchema,
      modbusDeviceSchema,
      nutDeviceSchema,
      kernelDeviceSchema,
    ]),
    "devices",
  ),
  doors: list(doorSchema, "doors"),
  inputs: list(inputSchema, "inputs"),
  pulses: list(pulseSchema, "pulse meters"),
  outputs: list(outputSchema, "outputs"),
  alarms: list(ruleSchema, "alarm rules"),
});
