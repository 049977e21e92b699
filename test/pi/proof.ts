/** Prints one line for the runner: what was proved, or what was found instead; never throws. */
export async function prove(
  what: string,
  check: () => Promise<string | undefined> | string | undefined,
): Promise<void> {
  const began = performance.now();
  try {
    const detail = await check();
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`pass ${what}${detail ? `: ${detail}` : ""} (${seconds} s)`);
  } catch (error) {
    console.log(`FAIL ${what}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
