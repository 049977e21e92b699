import type { Client } from "aedes";

/** The part of mqtt-packet's parser that the guard needs; `length` is −1 between packets. */
interface PacketParser {
  packet: { length: number };
  parse(chunk: Buffer): number;
}

/**
 * Ends a connection as soon as the length a packet announces is above `limit()`. Aedes itself would
 * collect whatever a stranger sends, before it has even said who it is.
 */
export function guardFrames(
  client: Client,
  limit: () => number,
  onTooLong: (length: number) => void,
) {
  const { _parser: parser } = client as unknown as { _parser: PacketParser };
  const parse = parser.parse.bind(parser);
  parser.parse = (chunk) => {
    const left = parse(chunk);
    const { length } = parser.packet;
    if (length > limit()) {
      onTooLong(length);
      client.conn.destroy();
    }
    return left;
  };
}
