import { expect, test } from "vitest";
import { beacon } from "../../dashboard/wall/beacon.ts";

function play({ paints, isFresh }: { paints: boolean; isFresh: boolean }) {
  let sent = 0;
  beacon({
    nextFrame: (painted) => {
      if (paints) painted();
    },
    isFresh: () => isFresh,
    send: async () => {
      sent += 1;
      throw new Error("the hub does not answer");
    },
  });
  return sent;
}

test.each([
  { paints: true, isFresh: true, says: 1 },
  { paints: false, isFresh: true, says: 0 },
  { paints: true, isFresh: false, says: 0 },
])(
  "a screen that paints ($paints) what the hub says ($isFresh) tells it $says times, and a refusal hurts nobody",
  ({ says, ...how }) => {
    expect(play(how)).toBe(says);
  },
);
