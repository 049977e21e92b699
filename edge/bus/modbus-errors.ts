function field(error: unknown, name: string): unknown {
  return typeof error === "object" && error !== null ? Reflect.get(error, name) : undefined;
}

/** What modbus-serial says; it throws things that are not all of class Error. */
export function errorText(error: unknown): string {
  return String(field(error, "message") ?? error);
}

export const errorNo = (error: unknown) => field(error, "errno");

/** The exception code when the device refused, else undefined. */
export function exceptionCode(error: unknown): number | undefined {
  const code = field(error, "modbusCode");
  return typeof code === "number" ? code : undefined;
}
