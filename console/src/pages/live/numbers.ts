import { useState } from "react";

import type { Overview } from "./answers";
import { formatClock } from "../../lib/format";

/** What each panel that lives on the overview is given. */
export type LiveNumbers = {
  /** Undefined until the first answer. */
  overview: Overview | undefined;
  updatedAt: number;
  /** Whether the last request failed, so that the numbers are old or missing. */
  failed: boolean;
};

/** The time of day of numbers that are shown although they could not be renewed. */
export function staleSince({ overview, failed, updatedAt }: LiveNumbers): string | undefined {
  return overview && failed ? formatClock(updatedAt) : undefined;
}

/** How much a number changed with its last renewal; null before there were two. */
export function useDelta(value: number | undefined, updatedAt: number): number | null {
  const [memory, setMemory] = useState<{ value: number | undefined; at: number; delta: number | null }>({
    value,
    at: updatedAt,
    delta: null,
  });
  if (updatedAt === memory.at) return memory.delta;
  const delta = value === undefined || memory.value === undefined ? null : value - memory.value;
  setMemory({ value, at: updatedAt, delta });
  return delta;
}
