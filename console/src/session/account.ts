import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import { answer, api, isSignedOut, type Account } from "../api/client";

export const ACCOUNT_KEY = ["account"] as const;

/** Who is signed in; null: nobody. */
export function useAccountQuery(): UseQueryResult<Account | null> {
  return useQuery({ queryKey: ACCOUNT_KEY, queryFn: ({ signal }) => readAccount(signal), staleTime: 60_000 });
}

/** Who is signed in; null: nobody, or not known yet. */
export function useAccount(): Account | null {
  return useAccountQuery().data ?? null;
}

export async function readAccount(signal?: AbortSignal): Promise<Account | null> {
  try {
    return await answer(api.GET("/api/v1/account", signal ? { signal } : {}));
  } catch (error) {
    if (isSignedOut(error)) return null;
    throw error;
  }
}
