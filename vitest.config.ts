import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    testTimeout: 20_000,
    pool: "forks",
    maxWorkers: 2,
    // What is waited for comes within milliseconds; the time only bounds a wait that is in vain.
    expect: { poll: { timeout: 15_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/system/**", "test/faults/**", "test/**/*.browser.test.ts"],
        },
      },
      {
        // Real processes, sockets and a browser: one file at a time, so that timing assertions mean something.
        extends: true,
        test: {
          name: "system",
          include: [
            "test/system/**/*.test.ts",
            "test/faults/**/*.test.ts",
            "test/**/*.browser.test.ts",
          ],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
