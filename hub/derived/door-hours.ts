import { type Derivation, known, type Scene } from "./derivation.ts";
import { isWithin, parseHours } from "./opening-hours.ts";

/** `<door>.after-hours`: 1 while the door stands open outside its `hours`. A contact alone knows no more. */
export function doorHours(scene: Scene): Derivation[] {
  const { timezone, rooms } = scene.site;
  return rooms
    .flatMap((room) => room.doors)
    .flatMap(({ id, label, hours }): Derivation[] => {
      const contact = `${id}.open`;
      const open = hours?.flatMap((text) => parseHours(text) ?? []) ?? [];
      if (open.length === 0 || !scene.places.get(id)?.has("open")) return [];
      return [
        {
          info: {
            ...{ id: `${id}.after-hours`, quantity: "flag" },
            label: `${label} open after hours`,
          },
          inputs: [contact],
          derive: (look, now) => {
            const is = look(contact);
            return known(
              is === undefined ? undefined : Number(is === 1 && !isWithin(open, now, timezone)),
            );
          },
        },
      ];
    });
}
