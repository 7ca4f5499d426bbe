import type { UseQueryResult } from "@tanstack/react-query";

import { ApiError } from "../../api/client";
import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { useQueryParam } from "../../hooks/useQueryParam";
import { explainError } from "../../lib/explainError";
import { formatClock, formatInteger, formatWindow } from "../../lib/format";
import type { ActiveSessions } from "./answers";
import { staleSince, type LiveNumbers } from "./numbers";
import { useActiveSessions } from "./queries";
import { UserFilter } from "./UserFilter";

export function ActiveSessionsPanel(numbers: LiveNumbers) {
  const { overview, failed } = numbers;
  const [userId, setUserId] = useQueryParam("user_id");
  const ofUser = useActiveSessions(userId);
  const total = overview?.active_sessions;
  const value = userId ? ofUser.data?.active_sessions : total;
  const unavailable = userId ? ofUser.isError : failed;
  return (
    <Panel
      title="Active sessions"
      hint={overview && `last ${formatWindow(overview.windows.active_sessions)}`}
      staleSince={userId ? staleSinceOfUser(ofUser) : staleSince(numbers)}
      loading={value === undefined && !unavailable}
    >
      <Figure value={value} unit={value === 1 ? "session" : "sessions"} unavailable={unavailable} />
      <UserFilter userId={userId} onChange={setUserId} error={inputError(ofUser.error)} />
      <p className="footnote" role={userId ? "status" : undefined}>
        {describe(userId, ofUser, total)}
      </p>
    </Panel>
  );
}

function staleSinceOfUser({ data, isError, dataUpdatedAt }: UseQueryResult<ActiveSessions>) {
  return data && isError ? formatClock(dataUpdatedAt) : undefined;
}

/** What the viewer can mend in the field, as opposed to a failure of the service. */
function inputError(error: Error | null): string | null {
  if (!(error instanceof ApiError) || error.isTransient) return null;
  return explainError(error).detail;
}

function describe(
  userId: string,
  { data, error }: UseQueryResult<ActiveSessions>,
  total: number | undefined,
): string {
  if (!userId) return "Of all users. Type an id to see one user's.";
  if (error) return inputError(error) ? "" : `${explainError(error).title}; the page keeps trying.`;
  if (!data) return "";
  if (data.active_sessions === 0) return `${userId} is not active at the moment.`;
  return total === undefined ? `Of ${userId}.` : `Of ${userId}; ${formatInteger(total)} of all users.`;
}
