/** Kept equal to hub/package.json by a test. */
export const VERSION = "0.1.0";
