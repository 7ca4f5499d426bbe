const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A size in bytes in decimal units: 1536 is "1.5 kB". */
export function formatBytes(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[step] ?? ""}`;
}
