/** How systemd tells a service to report to it. */
const OF_SERVICE_MANAGER = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] as const;

/**
 * Takes out of `env` how the service manager is reached, and returns it. Every program started afterwards
 * would inherit it, and some, such as `timedatectl`, report that they themselves are ready or stopping.
 */
export function takeServiceEnv(env: Record<string, string | undefined>): typeof env {
  const own = { ...env };
  for (const name of OF_SERVICE_MANAGER) delete env[name];
  return own;
}
