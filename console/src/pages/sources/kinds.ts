export const KINDS = ["generic", "github", "stripe"] as const;
export type Kind = (typeof KINDS)[number];

type About = {
  label: string;
  /** What a kind's own mapping makes of a delivery. */
  fields: string;
  /** How the sender signs. */
  signing: string;
};

export const ABOUT: Record<Kind, About> = {
  generic: {
    label: "Generic: whatever can sign what it sends",
    fields: "event_type (or type, event), event_id (or id), user_id, timestamp and properties of the body.",
    signing: "The header X-Beatline-Signature holds the time and an HMAC-SHA256 of time, dot and body.",
  },
  github: {
    label: "GitHub",
    fields: "the header X-GitHub-Event is the type, the sender's login the user; action, repository, ref and link.",
    signing: "In GitHub's settings of the webhook, paste the address as Payload URL and the secret as Secret; application/json as Content type.",
  },
  stripe: {
    label: "Stripe",
    fields: "type, id and created of the event, the customer is the user; object, amount, currency, status.",
    signing: "Stripe makes the secret itself: give it the address, then put its signing secret (whsec_…) here by Replace secret.",
  },
};

export function asKind(text: string): Kind {
  return KINDS.find((kind) => kind === text) ?? "generic";
}

/** How to sign a generic webhook; the secret comes from the environment, so that it is not in the code. */
export function signingCode(url: string): string {
  return `import hashlib, hmac, json, os, time, urllib.request

secret = os.environ["WEBHOOK_SECRET"].encode()
body = json.dumps({"type": "order.paid", "id": "17", "user_id": "usr_1"}).encode()
t = str(int(time.time()))
v1 = hmac.new(secret, t.encode() + b"." + body, hashlib.sha256).hexdigest()
headers = {"Content-Type": "application/json", "X-Beatline-Signature": f"t={t},v1={v1}"}
urllib.request.urlopen(urllib.request.Request(${JSON.stringify(url)}, body, headers))`;
}
