import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { answer, api, type Schemas } from "../../api/client";
import { useProject } from "../../session/project";
import type { Filter } from "./filter";
import { REJECTED_KEY } from "./queries";

type Answer = Schemas["Replay"];

/** Which events: those of ids, or all that pass a filter. */
export type Choice = Filter | { ids: number[] };

export type Outcome = Pick<Answer, "replayed" | "still_refused" | "not_replayable" | "remaining">;
export type ReplayState = { outcome: Outcome; running: boolean; error: Error | null };
export type Replaying = {
  state: ReplayState | null;
  start: (choice: Choice) => void;
  stop: () => void;
  close: () => void;
};

/** Events of one request, few enough that it is answered in time. */
const STEP = 500;
const NOTHING: Outcome = { replayed: 0, still_refused: [], not_replayable: [], remaining: 0 };

/**
 * Replays step by step until nothing is left, or until it is stopped; `onStep` hears what has come of it
 * so far. A step that is asked for twice stores nothing twice.
 */
export async function replaySteps(
  ask: (after: number) => Promise<Answer>,
  onStep: (outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<void> {
  let outcome = NOTHING;
  let after: number | null = 0;
  while (after !== null && !signal.aborted) {
    const step = await ask(after);
    outcome = added(outcome, step);
    onStep(outcome);
    after = step.next;
  }
}

function added(before: Outcome, { replayed, still_refused, not_replayable, remaining }: Answer): Outcome {
  return {
    replayed: before.replayed + replayed,
    still_refused: [...before.still_refused, ...still_refused],
    not_replayable: [...new Set([...before.not_replayable, ...not_replayable])],
    remaining,
  };
}

export function useReplay(): Replaying {
  const { projectId: project_id } = useProject();
  const client = useQueryClient();
  const [state, setState] = useState<ReplayState | null>(null);
  const controller = useRef<AbortController | null>(null);

  const run = async (choice: Choice, { signal }: AbortController) => {
    const ask = (after: number) =>
      answer(
        api.POST("/api/v1/projects/{project_id}/rejected-events/replay", {
          params: { path: { project_id } },
          body: { ...choice, after, limit: STEP },
        }),
      );
    let error: Error | null = null;
    try {
      await replaySteps(ask, (outcome) => setState({ outcome, running: true, error: null }), signal);
    } catch (thrown) {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    setState((now) => now && { ...now, running: false, error });
    await client.invalidateQueries({ queryKey: REJECTED_KEY });
  };

  return {
    state,
    start: (choice) => {
      setState({ outcome: NOTHING, running: true, error: null });
      controller.current = new AbortController();
      void run(choice, controller.current);
    },
    stop: () => controller.current?.abort(),
    close: () => {
      controller.current?.abort();
      setState(null);
    },
  };
}
