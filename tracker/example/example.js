// The page: says what happened. Sending is the service worker's part (service-worker.js).

const worker = startWorker();
const entries = new Map();
let posted = 0;

document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("#user").textContent = userId();
  document.querySelector("#click-me").addEventListener("click", sendClick);
  document.querySelector("#get-location").addEventListener("click", sendLocation);
  send("view", { url: location.href, title: document.title });
});

/** Register the worker. On the first visit it does not rule over this page yet, but takes its messages. */
async function startWorker() {
  if (!navigator.serviceWorker) throw new Error("Service workers need HTTPS, or localhost.");
  navigator.serviceWorker.addEventListener("message", ({ data }) => data.type === "answer" && showAnswer(data));
  navigator.serviceWorker.startMessages();
  await navigator.serviceWorker.register("service-worker.js");
  const { active } = await navigator.serviceWorker.ready;
  return active;
}

function sendClick({ currentTarget: element }) {
  send("click", { element_id: element.id, text: element.textContent.trim(), xpath: xpath(element) });
}

function sendLocation() {
  const entry = addEntry("location", "asking");
  const found = ({ coords: { latitude, longitude, accuracy } }) =>
    send("location", { latitude, longitude, accuracy }, entry);
  const refused = ({ message }) => setEntry(entry, "failed", "not sent", message);
  navigator.geolocation.getCurrentPosition(found, refused, { timeout: 30_000 });
}

async function send(event_type, payload, entry = addEntry(event_type, "sending")) {
  const id = ++posted;
  entries.set(id, entry);
  setEntry(entry, "sending", "sending");
  try {
    const event = { user_id: userId(), event_type, payload };
    (await worker).postMessage({ type: "event", id, event });
  } catch (error) {
    const problem = document.querySelector("#problem");
    problem.textContent = error.message;
    problem.hidden = false;
    setEntry(entry, "failed", "not sent");
  }
}

function showAnswer({ id, status, answer }) {
  const entry = entries.get(id);
  if (!entry) return;
  if (status === 202) setEntry(entry, "stored", "stored", answer.event_id);
  else if (status) setEntry(entry, "failed", `refused: ${status}`, `${answer.message} ${JSON.stringify(answer.errors)}`);
  else setEntry(entry, "failed", "not sent", answer.message);
}

function addEntry(event_type, state) {
  const entry = document.querySelector("#entry").content.firstElementChild.cloneNode(true);
  const now = new Date();
  entry.querySelector("time").dateTime = now.toISOString();
  entry.querySelector("time").textContent = now.toLocaleTimeString();
  entry.querySelector("strong").textContent = event_type;
  document.querySelector("#log").prepend(entry);
  setEntry(entry, "sending", state);
  return entry;
}

function setEntry(entry, state, text, detail = "") {
  entry.dataset.state = state;
  entry.querySelector(".state").textContent = text;
  entry.querySelector(".detail").textContent = detail;
}

/** The same visitor on every visit. */
function userId() {
  const key = "beatline-example-user";
  const id = localStorage.getItem(key) ?? `visitor-${Math.random().toString(36).slice(2, 10)}`;
  localStorage.setItem(key, id);
  return id;
}

/** Like /html/body[1]/main[1]/section[1]/div[1]/button[1]. */
function xpath(element) {
  if (!element.parentElement) return `/${element.localName}`;
  const alike = [...element.parentElement.children].filter(({ localName }) => localName === element.localName);
  return `${xpath(element.parentElement)}/${element.localName}[${alike.indexOf(element) + 1}]`;
}
