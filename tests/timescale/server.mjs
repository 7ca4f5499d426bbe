/**
 * TimescaleDB compiled to WebAssembly behind a TCP socket, for the tests.
 *
 *   node server.mjs [port]
 *
 * Prints {"ready": true, "port": n} when it listens, then answers one JSON line for each JSON line
 * on stdin: {"save": name} keeps the database's state, {"restore": name} goes back to it ("empty"
 * is always there). Stops on SIGTERM, SIGINT and when stdin closes.
 */
import { createServer } from "node:net";
import { createInterface } from "node:readline";

import { Connection } from "./connection.mjs";
import { Database } from "./database.mjs";
import { Turns } from "./turns.mjs";

const stop = () => process.exit(0);
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

const commands = createInterface({ input: process.stdin });
commands.on("close", stop);

const database = await Database.create();
let turns = new Turns();
const sockets = new Set();

const server = createServer({ noDelay: true }, async (socket) => {
  sockets.add(socket);
  await new Connection(socket, database, turns).serve();
  sockets.delete(socket);
  if (sockets.size === 0 && !database.crashed) database.wipeSession();
});

async function obey(command) {
  if (command.save !== undefined) return database.save(command.save);
  sockets.forEach((socket) => socket.destroy());
  turns = new Turns();
  return database.restore(command.restore);
}

async function answer(line) {
  try {
    await obey(JSON.parse(line));
    return { ok: true };
  } catch (error) {
    return { ok: false, error: String(error.message) };
  }
}

server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", async () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
  for await (const line of commands) console.log(JSON.stringify(await answer(line)));
});
