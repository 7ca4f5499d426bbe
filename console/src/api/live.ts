import { readAccount } from "../session/account";
import { answer, api } from "./client";

const EVENTS = "/api/v1/live";
/** One's own notifications (docs/notifications.md). */
export const NOTIFICATIONS = "/api/v1/live/notifications";
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const REFUSED_FILTER = 4400; // close code

/** Why nothing comes. */
export type Interruption = "connecting" | "unreachable" | "not-allowed";

type Listener = {
  onMessage: (text: string) => void;
  onStatus: (status: Interruption, detail?: string) => void;
  path?: typeof EVENTS | typeof NOTIFICATIONS;
  query?: URLSearchParams;
};

/**
 * Keeps a WebSocket to the live server open until the returned function is called. Tries again, more and
 * more rarely, unless it is refused. Cookies go to every port of a host, so the login counts there as well.
 */
export function openLive({ onMessage, onStatus, path = EVENTS, query }: Listener): () => void {
  let closed = false;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  const connect = async () => {
    const place = await livePlace(path, query);
    if (closed) return;
    socket = place ? openSocket(place) : undefined;
    if (!place || !socket) {
      retry("unreachable");
      return;
    }
    socket.onmessage = ({ data }) => {
      failures = 0;
      if (typeof data === "string") onMessage(data);
    };
    socket.onclose = ({ code }) => code !== REFUSED_FILTER && !closed && void whyClosed(place);
  };

  const whyClosed = async (place: URL) => {
    const { status, detail } = failures === 0 ? { status: "connecting" as const, detail: "" } : await diagnose(place);
    if (closed) return;
    if (status === "not-allowed" && failures > 1) onStatus(status, detail);
    else retry(status === "not-allowed" ? "connecting" : status, detail);
  };

  const retry = (status: Interruption, detail = "") => {
    onStatus(status, detail);
    timer = setTimeout(() => void connect(), Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures));
    failures += 1;
  };

  void connect();
  return () => {
    closed = true;
    clearTimeout(timer);
    socket?.close();
  };
}

async function livePlace(path: string, query = new URLSearchParams()): Promise<URL | null> {
  try {
    const { url } = await answer(api.GET(EVENTS));
    const place = new URL(path, url);
    place.search = query.toString();
    return place;
  } catch {
    return null;
  }
}

function openSocket(place: URL): WebSocket | undefined {
  const address = new URL(place);
  address.protocol = address.protocol.replace("http", "ws");
  try {
    return new WebSocket(address);
  } catch {
    return undefined; // a page of HTTPS may open none without TLS
  }
}

/** Why no WebSocket was opened: browsers do not tell a page, a request for the same as SSE does. */
async function diagnose(place: URL): Promise<{ status: Interruption; detail: string }> {
  await readAccount().catch(() => null); // renews an access token that has ended
  const stop = new AbortController();
  const address = new URL(place);
  if (address.pathname === EVENTS) address.pathname = `${EVENTS}/events`;
  try {
    const response = await fetch(address, { signal: stop.signal, cache: "no-store", credentials: "include" });
    if (response.ok) return { status: "connecting", detail: "" };
    const detail = await messageOf(response);
    return { status: [401, 403].includes(response.status) ? "not-allowed" : "unreachable", detail };
  } catch {
    return { status: "unreachable", detail: "" };
  } finally {
    stop.abort();
  }
}

async function messageOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { message?: unknown };
    return typeof body.message === "string" ? body.message : "";
  } catch {
    return "";
  }
}
