/**
 * The few parts of PostgreSQL's wire protocol (version 3) that the server has to understand itself:
 * where messages begin and end, the start of a connection, and the names of prepared statements.
 * See https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;

/** Cuts a stream of bytes into whole frontend messages; a first message has no type byte. */
export class FrameReader {
  #chunks = [];
  #size = 0;

  push(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /** Returns the next whole message, or null when more bytes are needed. */
  take(untyped = false) {
    const lengthAt = untyped ? 0 : 1;
    if (!this.#has(lengthAt + 4)) return null;
    const end = lengthAt + this.#chunks[0].readInt32BE(lengthAt);
    if (!this.#has(end)) return null;
    const frame = this.#chunks[0].subarray(0, end);
    this.#chunks[0] = this.#chunks[0].subarray(end);
    this.#size -= end;
    return frame;
  }

  /** Whether there are so many bytes; then the first chunk holds them. */
  #has(bytes) {
    if (this.#size < bytes) return false;
    if (this.#chunks[0].length < bytes) this.#chunks = [Buffer.concat(this.#chunks)];
    return true;
  }
}

/** What an untyped message asks for: "encryption", "cancel" or "start". */
export function startupKind(frame) {
  const code = frame.readInt32BE(4);
  if (code === SSL_REQUEST || code === GSS_REQUEST) return "encryption";
  return code === CANCEL_REQUEST ? "cancel" : "start";
}

export function typeOf(frame) {
  return String.fromCharCode(frame[0]);
}

export function message(type, ...parts) {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function cstring(text) {
  return Buffer.from(`${text}\0`);
}

export function readCstring(frame, offset) {
  return frame.toString("utf8", offset, frame.indexOf(0, offset));
}

export function query(sql) {
  return message("Q", cstring(sql));
}

export const SYNC = message("S");

export function errorResponse(code, text) {
  const fields = [["S", "FATAL"], ["V", "FATAL"], ["C", code], ["M", text]];
  const body = fields.map(([key, value]) => Buffer.concat([Buffer.from(key), cstring(value)]));
  return message("E", ...body, Buffer.from([0]));
}

export function greeting(parameters, connectionId) {
  const key = Buffer.alloc(8);
  key.writeInt32BE(connectionId, 0);
  return Buffer.concat([
    message("R", Buffer.alloc(4)),
    ...Object.entries(parameters).map(([k, v]) => message("S", cstring(k), cstring(v))),
    message("K", key),
    message("Z", Buffer.from("I")),
  ]);
}

const COPY_IN = /^\s*copy\s[^;]*\sfrom\s+stdin\b(.*)/is;

/** The answer "send me the rows" when a message is a COPY ... FROM STDIN, or null. It names no
 * column formats: clients that write rows do not need them. */
export function copyInResponse(frame) {
  const options = typeOf(frame) === "Q" ? COPY_IN.exec(readCstring(frame, 5))?.[1] : undefined;
  if (options === undefined) return null;
  return message("G", Buffer.from([/\bbinary\b/i.test(options) ? 1 : 0, 0, 0]));
}

export function isDeallocateAll(frame) {
  return typeOf(frame) === "Q" && /^\s*deallocate\s+all\b/i.test(readCstring(frame, 5));
}

/** Where a message names a prepared statement, or -1: Parse, Bind, Describe and Close do. */
function statementNameOffset(frame) {
  switch (typeOf(frame)) {
    case "P":
      return 5;
    case "B":
      return frame.indexOf(0, 5) + 1;
    case "D":
    case "C":
      return frame[5] === "S".charCodeAt(0) ? 6 : -1;
    default:
      return -1;
  }
}

/** Puts `prefix` before the name of a named prepared statement: all connections share a session. */
export function prefixStatement(frame, prefix) {
  const offset = statementNameOffset(frame);
  if (offset < 0 || frame[offset] === 0) return frame;
  const rest = [frame.subarray(5, offset), Buffer.from(prefix), frame.subarray(offset)];
  return message(typeOf(frame), ...rest);
}

/** Splits what the database answered into whole backend messages. */
export function backendMessages(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    found.push(bytes.subarray(at, end));
    at = end;
  }
  return found;
}
