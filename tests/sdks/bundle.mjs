// Bundles the pages' scripts for the browser: node bundle.mjs <folder> <driver>=<package> …
// Each becomes <folder>/<package>.js, in which the driver's "sdk" is that package.
import { build } from "esbuild";

const [folder, ...pairs] = process.argv.slice(2);
await Promise.all(
  pairs.map((pair) => {
    const [driver, sdk] = pair.split("=");
    return build({
      entryPoints: [new URL(`drivers/${driver}.js`, import.meta.url).pathname],
      alias: { sdk },
      outfile: `${folder}/${sdk.replace("/", "-")}.js`,
      bundle: true,
      format: "iife",
      logLevel: "error",
    });
  }),
);
