import { useMutation, useQueryClient, type QueryKey, type UseMutationResult } from "@tanstack/react-query";

import { explainError } from "../lib/explainError";
import { notify, type ToastLink } from "../lib/toasts";

type Action<Given, Done> = {
  run: (given: Given) => Promise<Done>;
  /** What is said when it is done; absent: what is shown then says enough. */
  done?: string | ((given: Given) => string);
  /** Where to go on then. */
  next?: ToastLink;
  /** The queries whose answers it changes. */
  renews?: QueryKey[];
  /** Whether a form shows what went wrong; otherwise a notice says it. */
  inForm?: boolean;
  onDone?: (result: Done, given: Given) => void;
};

/** Something that changes data: says how it went, and asks anew for what has changed. */
export function useAction<Given = void, Done = unknown>(
  action: Action<Given, Done>,
): UseMutationResult<Done, Error, Given> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: action.run,
    onSuccess: async (result, given) => {
      const { done, next, renews = [] } = action;
      if (done) notify(typeof done === "string" ? done : done(given), "done", next);
      action.onDone?.(result, given);
      await Promise.all(renews.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
    onError: (error) => {
      if (action.inForm) return;
      const { title, detail } = explainError(error);
      notify(`${title}: ${detail}`, "failed");
    },
  });
}
