import { transactionStatus } from "./database.mjs";
import {
  FrameReader,
  SYNC,
  copyInResponse,
  cstring,
  errorResponse,
  greeting,
  isDeallocateAll,
  message,
  prefixStatement,
  query,
  startupKind,
  typeOf,
} from "./protocol.mjs";

const REPORTED = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
  "integer_datetimes",
  "standard_conforming_strings",
];

let connections = 0;

/** One client: speaks the protocol, and borrows the database's only session a transaction long. */
export class Connection {
  #id = ++connections;
  #socket;
  #database;
  #turns;
  #reader = new FrameReader();
  #started = false;
  #generation = 0;
  #skipToSync = false;
  #copy = null;

  constructor(socket, database, turns) {
    this.#socket = socket;
    this.#database = database;
    this.#turns = turns;
  }

  /** Serves the client until it leaves. */
  async serve() {
    try {
      for await (const chunk of this.#socket) {
        this.#reader.push(chunk);
        if (!(await this.#handleWhole())) break;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#leave();
    }
  }

  async #handleWhole() {
    for (let frame; (frame = this.#reader.take(!this.#started)) !== null; ) {
      const goOn = this.#started ? await this.#handle(frame) : await this.#start(frame);
      if (!goOn) return false;
    }
    return true;
  }

  async #start(frame) {
    const kind = startupKind(frame);
    if (kind === "encryption") this.#socket.write("N");
    if (kind !== "start") return kind !== "cancel";
    await this.#turns.take(this);
    await this.#applyOptions(frame);
    const parameters = {};
    for (const name of REPORTED) {
      const [row] = await this.#database.rows("SELECT current_setting($1) AS value", [name]);
      parameters[name] = row.value;
    }
    this.#turns.giveBack(this);
    this.#started = true;
    this.#socket.write(greeting(parameters, this.#id));
    return true;
  }

  /** Settings of the connection string, options='-c name=value', hold for the shared session. */
  async #applyOptions(frame) {
    const words = frame.toString("utf8", 8).split("\0");
    const options = words[words.indexOf("options") + 1] ?? "";
    for (const [, name, value] of options.matchAll(/-c\s*([\w.]+)=((?:\\.|\S)*)/g)) {
      const unescaped = value.replace(/\\(.)/g, "$1");
      await this.#database.rows("SELECT set_config($1, $2, false)", [name, unescaped]);
    }
  }

  async #handle(frame) {
    const type = typeOf(frame);
    if (type === "X") return false;
    if (this.#copy !== null) return this.#collectCopy(frame, type);
    if (this.#skipToSync && type !== "S") return true;
    await this.#turns.take(this);
    const goAhead = copyInResponse(frame);
    if (goAhead !== null) {
      this.#copy = [frame];
      this.#socket.write(goAhead);
      return true;
    }
    if (isDeallocateAll(frame)) return this.#forgetStatements();
    const prefix = `c${this.#id}g${this.#generation}_`;
    return this.#run(prefixStatement(frame, prefix), type === "S" || type === "Q");
  }

  /** The database reads a COPY only as a whole, the statement and all rows in one piece. */
  #collectCopy(frame, type) {
    this.#copy.push(frame);
    if (type !== "c" && type !== "f") return true;
    const whole = Buffer.concat(this.#copy);
    this.#copy = null;
    return this.#run(whole, true, (answer) => answer.filter((each) => typeOf(each) !== "G"));
  }

  #run(bytes, endsBatch, filter = (answer) => answer) {
    const answer = filter(this.#database.execute(bytes));
    const failed = answer.some((each) => typeOf(each) === "E");
    this.#skipToSync = failed && !endsBatch;
    this.#socket.write(Buffer.concat(answer));
    if (endsBatch && transactionStatus(answer) === "I") this.#turns.giveBack(this);
    return true;
  }

  /** The real DEALLOCATE ALL would hit the other connections' statements too: use new names. */
  #forgetStatements() {
    this.#generation += 1;
    return this.#run(query("SELECT WHERE false"), true, (answer) => [
      message("C", cstring("DEALLOCATE ALL")),
      answer.at(-1),
    ]);
  }

  #fail(error) {
    if (error.code === "ECONNRESET" || error.code === "EPIPE") return;
    console.error(error);
    this.#socket.write(errorResponse(error.sqlState ?? "XX000", String(error.message)));
  }

  /** Undoes an open transaction and frees the session for the others. */
  #leave() {
    if (this.#turns.has(this) && !this.#database.crashed) {
      this.#database.execute(SYNC);
      this.#database.execute(query("ROLLBACK"));
    }
    this.#turns.giveBack(this);
    this.#socket.end();
  }
}
