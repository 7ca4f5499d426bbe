import { Figure } from "../../components/Figure";
import { Panel } from "../../components/Panel";
import { formatInteger, formatWindow } from "../../lib/format";
import { staleSince, useDelta, type LiveNumbers } from "./numbers";

export function ActiveUsersPanel(numbers: LiveNumbers) {
  const { overview, updatedAt, failed } = numbers;
  const users = overview?.active_users;
  const delta = useDelta(users, updatedAt);
  return (
    <Panel
      title="Active users now"
      hint={overview && `last ${formatWindow(overview.windows.active_users)}`}
      staleSince={staleSince(numbers)}
      loading={users === undefined && !failed}
    >
      <Figure value={users} unit={users === 1 ? "user" : "users"} unavailable={failed} />
      <p className="footnote">{describeDelta(delta)}</p>
    </Panel>
  );
}

function describeDelta(delta: number | null): string {
  if (delta === null) return "Distinct users with an event in the window.";
  if (delta === 0) return "As many as at the refresh before.";
  return `${formatInteger(Math.abs(delta))} ${delta > 0 ? "more" : "fewer"} than at the refresh before.`;
}
