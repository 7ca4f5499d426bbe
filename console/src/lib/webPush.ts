/** This browser as a place where one is told: the Push API, and the worker that shows what comes. */

const WORKER = "/push-worker.js";

export type Subscription = { endpoint: string; p256dh: string; auth: string };

/** Why it cannot be; said to people. */
export class NoPush extends Error {}

/** Whether this browser can be told anything; of plain HTTP only localhost can. */
export function isPossible(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/** Subscribes with the installation's public key, asking the person first. Throws `NoPush`. */
export async function subscribe(publicKey: string): Promise<Subscription> {
  if ((await Notification.requestPermission()) !== "granted") {
    throw new NoPush("This browser does not let the console notify you. Its settings for this site can allow it.");
  }
  await navigator.serviceWorker.register(WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  const key = fromBase64Url(publicKey);
  await dropOthers(pushManager, key);
  try {
    return asSubscription(await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NoPush(`The browser's push service did not answer: ${reason}`);
  }
}

/** A subscription with another key, of an installation that was here before, stands in the way. */
async function dropOthers(pushManager: PushManager, key: Uint8Array): Promise<void> {
  const known = await pushManager.getSubscription();
  const its = known?.options.applicationServerKey;
  if (known && its && toBase64Url(its) !== toBase64Url(key.buffer as ArrayBuffer)) await known.unsubscribe();
}

function asSubscription(subscription: PushSubscription): Subscription {
  const [p256dh, auth] = [subscription.getKey("p256dh"), subscription.getKey("auth")];
  if (!p256dh || !auth) throw new NoPush("The browser gave no keys to encrypt with.");
  return { endpoint: subscription.endpoint, p256dh: toBase64Url(p256dh), auth: toBase64Url(auth) };
}

export function toBase64Url(bytes: ArrayBuffer): string {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(decoded, (character) => character.charCodeAt(0));
}
