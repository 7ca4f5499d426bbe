import { QueryClient } from "@tanstack/react-query";

import { ApiError } from "./client";

const RETRIES = 1;
const RETRY_DELAY_MS = 1_000;

/** The rules for every query of the console: one quick second try, none where it cannot help. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) =>
          failures < RETRIES && error instanceof ApiError && error.isTransient,
        retryDelay: RETRY_DELAY_MS,
        // Back in a tab that was hidden: refresh at once, but not for a glance elsewhere.
        staleTime: 2_000,
        refetchOnWindowFocus: true,
        refetchIntervalInBackground: false,
        // A collector on this computer answers without any network.
        networkMode: "always",
      },
    },
  });
}
