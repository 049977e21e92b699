import { good, type Measurement } from "../../contract/reading.ts";
import { type Derivation, type Look, type Scene, stateInfo, UNKNOWN } from "./derivation.ts";

/** What a UPS does for its load. */
export const UPS_STATES: Record<number, string> = {
  0: "on mains, load protected",
  1: "on battery",
  2: "battery nearly empty, output ends soon",
  3: "on bypass, load not protected",
  4: "overloaded",
  5: "output off",
  6: "self-test or calibration",
  7: "battery due for replacement",
  8: "no communication",
};

/** The flag that shows each state, worst first; all are judged where the UPS is read, so that a test is no outage. */
const SIGNS: readonly [role: string, code: number][] = [
  ["output-off", 5],
  ["shutdown-imminent", 2],
  ["low-battery", 2],
  ["on-battery", 1],
  ["bypass", 3],
  ["overload", 4],
  ["testing", 6],
  ["replace-battery", 7],
];

/** `<ups>.protection`, from the flags that every UPS has, by NUT or Modbus. */
export function upsProtections(scene: Scene): Derivation[] {
  return [...scene.places].flatMap(([place, points]): Derivation[] => {
    if (points.get("on-battery")?.quantity !== "flag") return [];
    const roles = ["communication-lost", ...SIGNS.map(([role]) => role)];
    const offered = new Set(roles.filter((role) => points.get(role)?.quantity === "flag"));
    return [
      {
        info: stateInfo(`${place}.protection`, `${scene.label(place)} protection`, UPS_STATES),
        inputs: [...offered].map((role) => `${place}.${role}`),
        derive: (look) => upsProtection(offered, (role) => look(`${place}.${role}`)),
      },
    ];
  });
}

/** A sign that cannot be read hides no other one, but without it nobody can say that the load is protected. */
export function upsProtection(offered: ReadonlySet<string>, look: Look): Measurement {
  if (offered.has("communication-lost") && look("communication-lost") === 1) return good(8);
  let whole = true;
  for (const [role, code] of SIGNS) {
    if (!offered.has(role)) continue;
    const sign = look(role);
    if (sign === undefined) whole = false;
    // A worse state could hide behind what is not known; that of the output and the battery must be.
    else if (sign === 1) return whole || code <= 5 ? good(code) : UNKNOWN;
  }
  return whole ? good(0) : UNKNOWN;
}
