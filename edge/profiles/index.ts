/** Every Modbus device model Plenum knows; `<id>.yaml` stands beside this file. */
export const PROFILE_IDS: readonly string[] = [
  "apc-inrow-sc",
  "apc-smartups-990-9840",
  "dse-genset",
  "eastron-sdm630",
];
