// Shows what is pushed to this browser, while the console is closed too. Registered by src/lib/webPush.ts.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title, body, url, tag, severity } = read(event.data);
  event.waitUntil(
    self.registration.showNotification(title, {
      body,
      data: { url },
      icon: "/favicon.svg",
      requireInteraction: severity === "critical",
      // News of the same subject takes the place of the older one, and is heard nevertheless.
      ...(tag && { tag, renotify: true }),
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(ownPage(event.notification.data?.url)));
});

function read(data) {
  try {
    const { title = "Beatline", body = "", url = null, tag = "", severity = "info" } = data.json();
    return { title: String(title), body: String(body), url, tag: String(tag), severity };
  } catch {
    return { title: "Beatline", body: "", url: null, tag: "", severity: "info" };
  }
}

// A page of this console, whatever a message says.
function ownPage(url) {
  try {
    const { origin, pathname, search } = new URL(url, self.location.origin);
    return origin === self.location.origin ? pathname + search : "/";
  } catch {
    return "/";
  }
}

async function open(path) {
  const [shown] = await self.clients.matchAll({ type: "window" });
  if (!shown) return self.clients.openWindow(path);
  await shown.focus();
  return shown.navigate(path);
}
