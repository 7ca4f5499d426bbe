import { Link, useLocation } from "wouter";

import { EmptyNotice } from "../../components/EmptyNotice";
import { ErrorNotice } from "../../components/ErrorNotice";
import { JsonView } from "../../components/JsonView";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { Skeleton } from "../../components/Skeleton";
import { ApiError } from "../../api/client";
import { formatInteger } from "../../lib/format";
import { EventsFound } from "../events/EventsFound";
import { eventsPath, NO_FILTER, withPick, type Pick } from "../events/filter";
import { QueryState } from "../../components/QueryState";
import { GroupsPanel } from "./GroupsPanel";
import { SessionsPanel } from "./SessionsPanel";
import { useTimeline, useUser, type UserDetails } from "./queries";

const ALL_TIME = { last: "all" } as const;

/** All that is known of a user or of an anonymous id. */
export function UserDetailsView({ userId }: { userId: string }) {
  const { data, error, refetch } = useUser(userId);
  return (
    <>
      <p className="crumbs">
        <Link href="/users">Users</Link>
      </p>
      <PageHead title={userId}>
        <Link className="button button-link" href={eventsPath({ time: ALL_TIME, user_id: userId })}>
          Show in Events
        </Link>
      </PageHead>
      {error && isUnknown(error) && (
        <EmptyNotice title="Nobody was seen with this id">
          <p>
            In this project no event names it. Look whether another project is chosen, or <Link href="/users">search the users</Link>.
          </p>
        </EmptyNotice>
      )}
      {error && !isUnknown(error) && (
        <ErrorNotice error={error} consequence="What is known of them is not shown." onRetry={() => void refetch()} />
      )}
      {!data && !error && <Skeleton className="skeleton-table" />}
      {data && <Known user={data} />}
    </>
  );
}

function isUnknown(error: Error): boolean {
  return error instanceof ApiError && error.status === 404;
}

function Known({ user }: { user: UserDetails }) {
  return (
    <>
      <div className="user-grid">
        <Panel title="Profile">
          <Facts user={user} />
        </Panel>
        <Panel title="Traits" hint="as they were last given">
          {Object.keys(user.traits).length > 0 ? (
            <JsonView value={user.traits} />
          ) : (
            <p className="footnote">None. They come with an identify call of an SDK.</p>
          )}
        </Panel>
        {user.groups.length > 0 && <GroupsPanel groups={user.groups} />}
        <SessionsPanel userId={user.user_id} />
      </div>
      <Timeline userId={user.user_id} />
    </>
  );
}

function Facts({ user }: { user: UserDetails }) {
  return (
    <dl className="facts user-facts">
      <dt>Kind</dt>
      <dd>{user.known ? "Known user" : "Anonymous visitor"}</dd>
      <dt>First seen</dt>
      <dd>
        <Moment at={user.first_seen_at} />
      </dd>
      <dt>Last seen</dt>
      <dd>
        <Moment at={user.last_seen_at} />
      </dd>
      <dt>Events</dt>
      <dd>{formatInteger(user.events)}</dd>
      <dt>Sessions</dt>
      <dd>{formatInteger(user.sessions)}</dd>
      {user.aliases.length > 0 && (
        <>
          <dt>Also seen as</dt>
          <dd>
            <ul className="aliases">
              {user.aliases.map((alias) => (
                <li key={alias}>
                  <Link href={eventsPath({ time: ALL_TIME, anonymous_id: alias })} title="Events with this anonymous id">
                    {alias}
                  </Link>
                </li>
              ))}
            </ul>
          </dd>
        </>
      )}
    </dl>
  );
}

/** The user's events; a value that is pressed opens Events with it and the user as its filter. */
function Timeline({ userId }: { userId: string }) {
  const timeline = useTimeline(userId);
  const [, navigate] = useLocation();
  const onPick = (pick: Pick) =>
    navigate(eventsPath(withPick({ ...NO_FILTER, time: ALL_TIME, user_id: userId }, pick)));
  return (
    <section aria-label="Timeline">
      <h2 className="section-head">Timeline</h2>
      <QueryState query={timeline}>
        {(found) => (
          <EventsFound
            found={found}
            query={timeline}
            filter={{ ...NO_FILTER, time: ALL_TIME, user_id: userId }}
            onPick={onPick}
            onChange={(filter) => navigate(eventsPath(filter))}
            ofOneUser
          />
        )}
      </QueryState>
    </section>
  );
}
