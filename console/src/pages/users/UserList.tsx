import { useId } from "react";
import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useDebouncedCallback } from "../../hooks/useDebouncedCallback";
import { useQueryParam } from "../../hooks/useQueryParam";
import { describeTraits } from "./traits";
import { useUsers, type User } from "./queries";
import { userPath } from "./userPath";

const DEBOUNCE_MS = 400;

const columns: Column<User>[] = [
  {
    key: "user",
    title: "User",
    className: "cell-long",
    cell: ({ user_id }) => <Link href={userPath(user_id)}>{user_id}</Link>,
  },
  {
    key: "traits",
    title: "Traits",
    className: "cell-traits",
    cell: ({ traits }) => <span title={JSON.stringify(traits)}>{describeTraits(traits) || "–"}</span>,
  },
  { key: "last", title: "Last seen", className: "cell-shrink", cell: (user) => <Moment at={user.last_seen_at} /> },
  { key: "first", title: "First seen", className: "cell-shrink", cell: (user) => <Moment at={user.first_seen_at} /> },
];

export function UserList() {
  const [search, setSearch] = useQueryParam("search");
  const found = useUsers(search);
  return (
    <>
      <PageHead title="Users" />
      <SearchField search={search} onChange={setSearch} />
      <QueryState query={found}>
        {({ users, searchedUntil }) => (
          <>
            {users.length > 0 && (
              <DataTable label="Users, the last seen first" rows={users} rowKey={(user) => user.user_id} columns={columns} />
            )}
            {users.length === 0 && !found.hasNextPage && <NoUsers search={search} />}
            {searchedUntil && (
              <p className="events-total">
                All who were seen since <Moment at={searchedUntil} /> were looked at; the button looks further back.
              </p>
            )}
            {(users.length > 0 || found.hasNextPage) && <LoadMore query={found} shown={users.length} one="user" />}
          </>
        )}
      </QueryState>
    </>
  );
}

function SearchField({ search, onChange }: { search: string; onChange: (search: string) => void }) {
  const id = useId();
  const change = useDebouncedCallback(onChange, DEBOUNCE_MS);
  return (
    <form
      role="search"
      className="field user-search"
      onSubmit={(event) => {
        event.preventDefault();
        const { value } = event.currentTarget.elements.namedItem("search") as HTMLInputElement;
        change.now(value.trim());
      }}
    >
      <label htmlFor={id}>Find users</label>
      <input
        id={id}
        name="search"
        type="search"
        defaultValue={search}
        maxLength={200}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        placeholder="Beginning of an id, or part of a trait"
        onChange={({ target }) => change.later(target.value.trim())}
      />
    </form>
  );
}

function NoUsers({ search }: { search: string }) {
  return search ? (
    <EmptyNotice title="Nobody found">
      <p>
        No user's id begins with “{search}”, and no trait has it. Anonymous ids are found in{" "}
        <Link href={`/event-log?${new URLSearchParams({ last: "all", anonymous_id: search })}`}>Events</Link>.
      </p>
    </EmptyNotice>
  ) : (
    <EmptyNotice title="No users yet">
      <p>
        A user is known from the first event that has a <code>user_id</code>. Traits come with an identify call of an
        SDK.
      </p>
    </EmptyNotice>
  );
}
