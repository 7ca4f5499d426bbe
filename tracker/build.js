// Builds dist/tracker.js (the snippet's script), dist/tracker.mjs (for bundlers) and their types; fails when the
// script is too large.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const LIMIT = 4_096; // bytes, gzipped

function bundle(entry, format, fileName) {
  const lib = { entry, formats: [format], name: "beatline", fileName: () => fileName };
  return build({
    configFile: false,
    logLevel: "warn",
    build: { lib, target: "es2021", minify: true, emptyOutDir: false },
  });
}

rmSync("dist", { recursive: true, force: true });
await bundle("src/tracker.ts", "es", "tracker.mjs");
await bundle("src/snippet.ts", "iife", "tracker.js");
execFileSync("npx", ["tsc", "--project", "tsconfig.build.json"]);

const script = readFileSync("dist/tracker.js");
const size = gzipSync(script, { level: 9 }).length;
const hash = createHash("sha256").update(script).digest("hex").slice(0, 16);
const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`;
console.log(`tracker.js: ${script.length} bytes, ${size} gzipped (at most ${LIMIT})`);
console.log(`            /tracker/${hash}/tracker.js  integrity="${integrity}"`);
if (size > LIMIT) {
  console.error(`The tracker is ${size - LIMIT} bytes too large.`);
  process.exit(1);
}
