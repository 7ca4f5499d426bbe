import { useQuery } from "@tanstack/react-query";

import { answer, api, type Role, type Schemas } from "../../api/client";
import { useAction } from "../../hooks/useAction";

export type Row = Schemas["AccountRow"];

export const ACCOUNTS_KEY = ["accounts"] as const;
const RENEWS = [ACCOUNTS_KEY, ["members"], ["account"], ["audit-log"]];

export function useAccounts() {
  return useQuery({
    queryKey: ACCOUNTS_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/accounts", { signal })),
  });
}

const at = ({ account_id }: Row) => ({ params: { path: { account_id } } });

export function useAccountActions(onPassword: (row: Row, password: string) => void) {
  const setRole = useAction({
    run: ({ row, role }: { row: Row; role: Role | null }) =>
      answer(api.PUT("/api/v1/accounts/{account_id}/role", { ...at(row), body: { role } })),
    done: ({ row, role }) => `${row.email} ${role ? `is ${role} of all projects` : "has no role in all projects"} now.`,
    renews: RENEWS,
  });
  const setDisabled = useAction({
    run: ({ row, disabled }: { row: Row; disabled: boolean }) =>
      answer(api.PATCH("/api/v1/accounts/{account_id}", { ...at(row), body: { disabled } })),
    done: ({ row, disabled }) => `${row.email} may ${disabled ? "not sign in any more" : "sign in again"}.`,
    renews: RENEWS,
  });
  const resetPassword = useAction({
    run: (row: Row) => answer(api.POST("/api/v1/accounts/{account_id}/password", at(row))),
    onDone: ({ password }, row) => onPassword(row, password),
    renews: RENEWS,
  });
  const remove = useAction({
    run: (row: Row) => answer(api.DELETE("/api/v1/accounts/{account_id}", at(row))),
    done: (row) => `${row.email} is deleted.`,
    renews: RENEWS,
  });
  return { setRole, setDisabled, resetPassword, remove };
}

export function useNewAccount(onMade: (email: string, password: string) => void) {
  return useAction({
    run: (body: Schemas["NewAccountBody"]) => answer(api.POST("/api/v1/accounts", { body })),
    inForm: true,
    onDone: ({ password }, { email }) => onMade(email, password),
    renews: RENEWS,
  });
}
