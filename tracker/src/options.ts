import type { Options } from "./types";

/** The options of a script element. Unless it says otherwise, the collector is where the script came from. */
export function optionsOf({ src, dataset }: HTMLScriptElement): Options {
  return {
    host: dataset.host ?? src.replace(/\/tracker(\/\w+\/tracker)?\.js.*/, ""),
    writeKey: dataset.writeKey ?? "",
    manual: "manual" in dataset,
    hash: "hash" in dataset,
    ignoreDnt: "ignoreDnt" in dataset,
  };
}
