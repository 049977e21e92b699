import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Room, type RoomOptions, startRoom } from "./room.ts";

/** A room on free ports with its own folder, gone after `run`. */
export async function withRoom(
  run: (room: Room) => Promise<void>,
  options: Partial<RoomOptions> = {},
): Promise<void> {
  const w1Dir = mkdtempSync(path.join(tmpdir(), "room-w1-"));
  const room = await startRoom({ w1Dir, ...options });
  try {
    await run(room);
  } finally {
    await room.close();
    rmSync(w1Dir, { recursive: true, force: true });
  }
}
