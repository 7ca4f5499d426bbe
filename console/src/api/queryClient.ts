import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { ACCOUNT_KEY } from "../session/account";
import { ApiError, isSignedOut } from "./errors";

const RETRIES = 1;
const RETRY_DELAY_MS = 1_000;

/** The rules for every query of the console: one quick second try, none where it cannot help. */
export function createQueryClient(): QueryClient {
  /** A session that is over anywhere is over everywhere. */
  const noticeEnd = (error: Error) => {
    if (isSignedOut(error) && client.getQueryData(ACCOUNT_KEY)) client.setQueryData(ACCOUNT_KEY, null);
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError: noticeEnd }),
    mutationCache: new MutationCache({ onError: noticeEnd }),
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
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
