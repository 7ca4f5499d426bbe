// The service worker: sends the events that pages post to it, and tells them what was answered.

const COLLECTOR = ""; // https://events.example.com; empty: where this file is from
const WRITE_KEY = ""; // needed unless ingest is open

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (message) => {
  const { type, id, event } = message.data;
  if (type !== "event") return;
  const answered = send(event).then((result) => message.source.postMessage({ type: "answer", id, ...result }));
  message.waitUntil(answered); // keeps the worker alive until then
});

/** {status, answer}; status 0: there was no answer. */
async function send({ user_id, event_type, payload }) {
  const key = WRITE_KEY && `?write_key=${encodeURIComponent(WRITE_KEY)}`;
  try {
    const response = await fetch(`${COLLECTOR}/events${key}`, {
      method: "POST",
      body: JSON.stringify({ user_id, event_type, payload }),
      keepalive: true, // also when the page is closed meanwhile
    });
    return { status: response.status, answer: await response.json() };
  } catch (error) {
    return { status: 0, answer: { message: error.message } };
  }
}
