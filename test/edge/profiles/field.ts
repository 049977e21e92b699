import type { Field } from "../../../edge/profiles/schema.ts";

/** The plainest field there is; a test changes what it is about. */
export const PLAIN: Field = {
  id: "field",
  unitOffset: 0,
  fc: 3,
  address: 0,
  count: 1,
  type: "u16",
  order: "ABCD",
  stringOrder: "hi-lo",
  scale: 1,
  offset: 0,
  na: [],
  naNegative: false,
  class: "normal",
};
