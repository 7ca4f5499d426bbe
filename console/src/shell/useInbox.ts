import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { answer, api, type Schemas } from "../api/client";
import { isObject } from "../api/errors";
import { NOTIFICATIONS, openLive } from "../api/live";
import { useVisible } from "../hooks/useVisible";
import { notify } from "../lib/toasts";
import { PROJECT_PARAM } from "../session/project";

export type Notification = Schemas["Notification"];

export const INBOX_KEY = ["inbox"] as const;

const LOOK_MS = 30_000;
/** While news come by themselves. */
const LOOK_LIVE_MS = 300_000;

/** What one was told, the newest first. News come by the live server; where that is away, they are looked for. */
export function useInbox(limit: number) {
  const live = useNews();
  return useQuery({
    queryKey: [...INBOX_KEY, limit],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/notifications", { params: { query: { limit } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: live ? LOOK_LIVE_MS : LOOK_MS,
  });
}

/**
 * Listens to the live server while the page is in sight: says what comes and reads the inbox anew, also at
 * each `ready`. Whether it answers.
 */
function useNews(): boolean {
  const client = useQueryClient();
  const visible = useVisible();
  const [live, setLive] = useState(false);
  const said = useRef(0); // the last one's id; a worker that died in between publishes one again
  useEffect(() => {
    if (!visible) return;
    const renew = () => client.invalidateQueries({ queryKey: INBOX_KEY });
    return openLive({
      path: NOTIFICATIONS,
      onStatus: () => setLive(false),
      onMessage: (text) => {
        const { type, notification } = readNews(text);
        if (type === "ready" || type === "away") setLive(type === "ready");
        if (notification && notification.notification_id > said.current) {
          said.current = notification.notification_id;
          say(notification, () => {
            void markRead(notification.notification_id).then(renew, () => {}); // it stays unread then
          });
        }
        if (type === "ready" || notification) void renew();
      },
    });
  }, [client, visible]);
  return live;
}

type News = { type: string; notification?: Omit<Notification, "read_at"> };

/** A message of the live server (docs/notifications.md). */
export function readNews(text: string): News {
  const message = parse(text);
  if (!isObject(message) || typeof message.type !== "string") return { type: "" };
  const { type, notification } = message;
  const known = type === "notification" && isObject(notification) && typeof notification.notification_id === "number";
  return known ? { type, notification: notification as News["notification"] & object } : { type };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const markRead = (notification_id: number) =>
  answer(api.POST("/api/v1/notifications/{notification_id}/read", { params: { path: { notification_id } } }));

function say(notification: Omit<Notification, "read_at">, onFollow: () => void): void {
  const { title, body, severity } = notification;
  const href = placeOf(notification);
  const text = body ? `${title}: ${body}` : title;
  notify(text, severity === "critical" ? "failed" : "done", href ? { href, label: "Show", onFollow } : undefined);
}

/** The page that a notification is about, in its project. */
export function placeOf({ path, project_id }: Pick<Notification, "path" | "project_id">): string | null {
  if (!path?.startsWith("/") || path.startsWith("//")) return null;
  return project_id === null ? path : `${path}${path.includes("?") ? "&" : "?"}${PROJECT_PARAM}=${project_id}`;
}
