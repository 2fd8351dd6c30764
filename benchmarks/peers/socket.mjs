// Node's http with ws: the same frames as the service's. What becomes of a batch is for whoever starts it.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { Session } from "./rules.mjs";

const SESSION = /^\/v1\/sessions\/([\w.~-]{1,128})\/(ws|events|mood)$/;

/** Serves until killed. `keep` takes (session id, text of the batch, done) and calls `done` when the batch counts.
 * @param {number} port @param {(id: string, text: string, done: () => void) => void} keep */
export const serve = (port, keep) => {
  /** @type {Map<string, Session>} */
  const sessions = new Map();
  const session = (id) => {
    let found = sessions.get(id);
    if (!found) sessions.set(id, (found = new Session()));
    return found;
  };
  const fold = (visit, events) => {
    const now = Date.now();
    let changed = false;
    for (const event of events) changed = visit.take(event, now) || changed;
    return changed;
  };

  const http = createServer((request, response) => {
    const found = SESSION.exec(request.url);
    const answer = (status, body) => {
      const text = JSON.stringify(body);
      response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
      response.end(text);
    };
    if (!found) return answer(404, { detail: "there is nothing here" });
    const visit = session(found[1]);
    if (request.method === "GET") return answer(200, visit.reading());
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const text = Buffer.concat(parts).toString();
      try {
        const body = JSON.parse(text);
        const events = Array.isArray(body) ? body : (body.events ?? [body]);
        fold(visit, events);
        keep(found[1], text, () => answer(200, { accepted: events.length, mood: visit.reading() }));
      } catch (error) {
        answer(400, { detail: String(error) });
      }
    });
  });

  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: 262_144 });
  sockets.on("connection", (socket, request) => {
    const found = SESSION.exec(request.url);
    if (found?.[2] !== "ws") return socket.close(4004);
    const id = found[1];
    const visit = session(id);
    let every = false;
    socket.on("message", (data) => {
      const text = data.toString();
      let frame;
      try {
        frame = JSON.parse(text);
        if (frame.op === "hello") {
          every = frame.every === true;
          return socket.send(JSON.stringify({ op: "welcome", session: id, ack: 0, mood: null }));
        }
        if (frame.op !== "events") return;
        const changed = fold(visit, frame.events);
        if (changed || every) socket.send(JSON.stringify({ op: "mood", ...visit.reading() }));
      } catch (error) {
        return socket.send(JSON.stringify({ op: "nack", seq: frame?.seq, detail: String(error) }));
      }
      const { seq, events } = frame;
      keep(id, text, () =>
        socket.send(`{"op":"ack","seq":${seq + events.length - 1},"accepted":${events.length},"duplicates":0,"ignored":0}`),
      );
    });
  });
  http.listen(port, "127.0.0.1", 4096);
};
