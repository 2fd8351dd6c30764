// node-durable: each batch a row of SQLite, the rows of one turn of the loop in one transaction, acked after it.
// node node_durable.mjs PORT FILE

import { DatabaseSync } from "node:sqlite";
import { serve } from "./socket.mjs";

const database = new DatabaseSync(process.argv[3]);
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 10000;
  CREATE TABLE log (id INTEGER PRIMARY KEY, session TEXT NOT NULL, at INTEGER NOT NULL, batch TEXT NOT NULL);
  CREATE INDEX log_session ON log (session);`);
const begin = database.prepare("BEGIN IMMEDIATE");
const insert = database.prepare("INSERT INTO log (session, at, batch) VALUES (?, ?, ?)");
const commit = database.prepare("COMMIT");
let waiting = [];

const write = () => {
  const group = waiting;
  waiting = [];
  const now = Date.now();
  begin.run();
  for (const [id, text] of group) insert.run(id, now, text);
  commit.run();
  for (const [, , done] of group) done();
};

serve(+process.argv[2], (id, text, done) => {
  if (waiting.push([id, text, done]) === 1) setImmediate(write);
});
