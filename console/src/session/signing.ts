import { useMutation, useQueryClient, type QueryClient, type UseMutationResult } from "@tanstack/react-query";
import { useLocation } from "wouter";

import { answer, api, isSignedOut, type Schemas } from "../api/client";
import { explainError } from "../lib/explainError";
import { notify } from "../lib/toasts";
import { ACCOUNT_KEY, readAccount } from "./account";
import { SIGN_IN } from "./signInPath";

type Credentials = Pick<Schemas["LoginBody"], "email" | "password">;

/** Signs in with cookies, and knows then who it is. */
export function useSignIn(): UseMutationResult<void, Error, Credentials> {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (given: Credentials) => {
      await answer(api.POST("/api/v1/auth/login", { body: { ...given, cookies: true } }));
      const account = await readAccount();
      forgetAnswers(client);
      client.setQueryData(ACCOUNT_KEY, account);
    },
  });
}

export function useSignOut(): UseMutationResult<void> {
  return useEnding(() => answer(api.POST("/api/v1/auth/logout")));
}

export function useSignOutEverywhere(): UseMutationResult<void> {
  return useEnding(() => answer(api.POST("/api/v1/auth/logout-everywhere")));
}

function useEnding(end: () => Promise<unknown>): UseMutationResult<void> {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  return useMutation({
    mutationFn: async () => {
      try {
        await end();
      } catch (error) {
        if (!isSignedOut(error)) throw error; // over already
      }
    },
    onSuccess: () => {
      navigate(SIGN_IN);
      forgetAnswers(client);
      client.setQueryData(ACCOUNT_KEY, null);
    },
    onError: (error) => notify(`Not signed out. ${explainError(error).detail}`, "failed"),
  });
}

/** Nothing that one account was shown is shown to the next. */
function forgetAnswers(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ACCOUNT_KEY[0] });
}
