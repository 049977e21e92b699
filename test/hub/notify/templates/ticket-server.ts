import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Ticket {
  title: string;
  thread: string;
  notes: number;
}

/** Keeps tickets as one of three services does, as far as Plenum asks. */
export interface TicketServer {
  port: number;
  tickets: Ticket[];
  logins: Set<string>;
  /** Does what is asked the next time something is opened, and hangs up. */
  loseNextAnswer: boolean;
  close(): Promise<void>;
}

// biome-ignore format: one line per service reads as a table
const FORMS = {
  servicenow: { make: "POST /api/now/table/incident", title: ["short_description"], thread: ["correlation_id"], list: (found: string[]) => ({ result: found.map((id) => ({ sys_id: id })) }) },
  zendesk: { make: "POST /api/v2/tickets.json", title: ["ticket", "subject"], thread: ["ticket", "external_id"], list: (found: string[]) => ({ tickets: found.map((id) => ({ id: Number(id) })) }) },
  jira: { make: "POST /rest/api/3/issue", title: ["fields", "summary"], thread: ["fields", "labels", "1"], list: (found: string[]) => ({ issues: found.map((id) => ({ key: id })) }) },
};
const NOTES = {
  servicenow: /^PATCH \/api\/now\/table\/incident\/(\d+)$/,
  zendesk: /^PUT \/api\/v2\/tickets\/(\d+)\.json$/,
  jira: /^POST \/rest\/api\/3\/issue\/(\d+)\/comment$/,
};

export async function ticketServer(name: keyof typeof FORMS): Promise<TicketServer> {
  const { make, title, thread, list } = FORMS[name];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const basic = request.headers.authorization?.replace("Basic ", "") ?? "";
    own.logins.add(Buffer.from(basic, "base64").toString());
    const url = new URL(request.url ?? "/", "http://x");
    const asked = `${request.method} ${url.pathname}`;
    const say = (status: number, body: object) =>
      response.writeHead(status).end(JSON.stringify(body));
    if (request.method === "GET") {
      const query = [...url.searchParams.values()].join(" ");
      const found = own.tickets.flatMap((one, index) =>
        query.includes(one.thread) ? [String(index + 1)] : [],
      );
      say(200, list(found));
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
    const at = (path: string[]) =>
      path.reduce((part, key) => (part as Record<string, unknown>)[key], body) as string;
    const noted = NOTES[name].exec(asked)?.[1];
    const ticket = noted === undefined ? undefined : own.tickets[Number(noted) - 1];
    if (asked === make) own.tickets.push({ title: at(title), thread: at(thread), notes: 0 });
    else if (ticket) ticket.notes += 1;
    else return say(404, {});
    if (own.loseNextAnswer) request.socket.destroy();
    else say(asked === make ? 201 : 200, {});
    own.loseNextAnswer = false;
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own: TicketServer = {
    ...{ port: (server.address() as AddressInfo).port, tickets: [], logins: new Set() },
    loseNextAnswer: false,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return own;
}
