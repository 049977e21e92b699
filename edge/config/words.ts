import { z } from "zod";
import { ID_PATTERN } from "../../contract/id.ts";
import { says } from "../../contract/yaml-words.ts";

/** A number within bounds; `what` reads like "a shunt in Ω, 0.0001–10,". */
export function amount(what: string, min: number, max: number) {
  const help = says(`write ${what} from ${min} to ${max}`);
  return z.number(help).min(min, help).max(max, help);
}

/** A flag that is false unless set. */
export const flag = (what: string) => z.boolean(says(`${what} is true or false`)).default(false);

export const whole = (least: number, most: number, what: string) => {
  const help = says(`${what} is a whole number from ${least} to ${most}`);
  return z.int(help).min(least, help).max(most, help);
};

export const oneOf = <const T extends [string, ...string[]]>(values: T, what: string) =>
  z.enum(values, says(`${what} is ${values.join(", ")}`));

export const text = (what: string) => {
  const help = says(`${what} is a text of 1–80 characters`);
  return z.string(help).min(1, help).max(80, help);
};

export const path = z.string(says("write a file or folder, from this file's folder on")).min(1);

export const id = (what: string) => {
  const help = says(
    `${what} is 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit, in quotes when it is a plain number`,
  );
  return z.string(help).regex(ID_PATTERN, help);
};
