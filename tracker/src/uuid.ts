let counter = 0;

/** A UUIDv7 (RFC 9562): its text sorts by time, and by order of making within a millisecond. */
export function uuid7(now: number): string {
  counter = (counter + 1) & 0xfff;
  const time = hex(now, 12);
  const random = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => hex(byte, 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-a${random.slice(0, 3)}-${random.slice(4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
