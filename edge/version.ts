/** As in edge/package.json, which a compiled program does not have beside it; a test compares them. */
export const VERSION = "0.1.0";
