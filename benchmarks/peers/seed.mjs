// seed: as the original was: Node's plain http, weighted scores, and one insert into Postgres for each event.
// node seed.mjs PORT ADDRESS-OF-POSTGRES

import { createServer } from "node:http";
import pg from "pg";
import { Session } from "./rules.mjs";

const EVENTS = /^\/v1\/sessions\/([\w.~-]{1,128})\/events$/;
/** Connections to Postgres: pg's default. */
const pool = new pg.Pool({ connectionString: process.argv[3], max: 10 });
await pool.query(
  "CREATE TABLE events (id bigserial PRIMARY KEY, session text NOT NULL, type text NOT NULL, at timestamptz DEFAULT now(), payload jsonb NOT NULL)",
);
await pool.query("CREATE INDEX ON events (session)");
const sessions = new Map();

const answer = (response, status, body) => {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
};

createServer(async (request, response) => {
  const found = EVENTS.exec(request.url);
  if (!found) return answer(response, 404, { detail: "there is nothing here" });
  const parts = [];
  for await (const part of request) parts.push(part);
  try {
    const body = JSON.parse(Buffer.concat(parts).toString());
    let visit = sessions.get(found[1]);
    if (!visit) sessions.set(found[1], (visit = new Session()));
    for (const event of Array.isArray(body) ? body : [body]) {
      visit.take(event, Date.now());
      await pool.query("INSERT INTO events (session, type, payload) VALUES ($1, $2, $3)", [found[1], event.type, event]);
    }
    answer(response, 200, visit.reading());
  } catch (error) {
    answer(response, 400, { detail: String(error) });
  }
}).listen(+process.argv[2], "127.0.0.1", 4096);
