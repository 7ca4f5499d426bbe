import { useState } from "react";
import { Link } from "wouter";

import { answer, api } from "../api/client";
import { Menu } from "../components/Menu";
import { Moment } from "../components/Moment";
import { useAction } from "../hooks/useAction";
import { plural } from "../lib/format";
import { INBOX_KEY, markRead, placeOf, useInbox, type Notification } from "./useInbox";

const FEW = 20;
const MANY = 200;
const MOST_COUNTED = 99;
const BELL = "M6 16V11a6 6 0 1 1 12 0v5l2 2H4zM10 21h4";

/** What one was told, newest first, and how much of it is unread. */
export function Bell() {
  const [limit, setLimit] = useState(FEW);
  const inbox = useInbox(limit);
  const { notifications = [], unread = 0 } = inbox.data ?? {};
  const label = unread === 0 ? "Notifications" : `Notifications, ${plural(unread, "unread one")}`;
  return (
    <Menu label={label} className="icon-button bell" sheet="menu-sheet-wide inbox" button={<BellIcon unread={unread} />}>
      {notifications.length === 0 ? (
        <p className="menu-who">{inbox.error ? "What you were told is not known now." : "You were told nothing yet."}</p>
      ) : (
        <ul className="inbox-list" aria-label="Notifications, the newest first">
          {notifications.map((each) => (
            <Item key={each.notification_id} notification={each} />
          ))}
          {limit === FEW && typeof inbox.data?.next_cursor === "number" && (
            <li>
              <button type="button" className="nav-link nav-button" onClick={() => setLimit(MANY)}>
                Show older ones
              </button>
            </li>
          )}
        </ul>
      )}
      <div className="inbox-actions">
        {unread > 0 && notifications[0] && <ReadAll upTo={notifications[0].notification_id} />}
        <Link className="nav-link" href="/settings/notifications">
          What you are told
        </Link>
      </div>
    </Menu>
  );
}

function Item({ notification }: { notification: Notification }) {
  const { notification_id, title, body, severity, created_at, read_at } = notification;
  const read = useAction({ run: () => markRead(notification_id), renews: [INBOX_KEY] });
  const content = (
    <>
      <span className="inbox-title">
        {severity !== "info" && <span className={`tag ${severity === "critical" ? "tag-off" : ""}`}>{severity}</span>} {title}
        {read_at === null && <span className="visually-hidden"> (unread)</span>}
      </span>
      {body && <span className="inbox-body">{body}</span>}
      <span className="hint">
        <Moment at={created_at} />
      </span>
    </>
  );
  const place = placeOf(notification);
  const follow = () => read_at === null && read.mutate();
  return (
    <li className={read_at === null ? "inbox-unread" : undefined}>
      {place ? (
        <Link className="inbox-item" href={place} onClick={follow}>
          {content}
        </Link>
      ) : (
        <button type="button" className="inbox-item" aria-disabled={read_at !== null} onClick={follow}>
          {content}
        </button>
      )}
    </li>
  );
}

function ReadAll({ upTo }: { upTo: number }) {
  const read = useAction({
    run: () => answer(api.POST("/api/v1/notifications/read", { body: { up_to: upTo } })),
    renews: [INBOX_KEY],
  });
  return (
    <button type="button" className="nav-link nav-button" onClick={() => !read.isPending && read.mutate()}>
      Mark all as read
    </button>
  );
}

function BellIcon({ unread }: { unread: number }) {
  return (
    <>
      <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" className="icon">
        <path d={BELL} />
      </svg>
      {unread > 0 && (
        <span className="bell-count" aria-hidden="true">
          {unread > MOST_COUNTED ? `${MOST_COUNTED}+` : unread}
        </span>
      )}
    </>
  );
}
