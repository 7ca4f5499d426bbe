export type ToastLink = { href: string; label: string; onFollow?: () => void };
export type Toast = { id: number; text: string; tone: "done" | "failed"; link?: ToastLink | undefined };

const STAYS_MS = 6_000;

let toasts: Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

/** Says for some seconds what has happened, and where to go on; what failed stays until it is dismissed. */
export function notify(text: string, tone: Toast["tone"] = "done", link?: ToastLink): void {
  lastId += 1;
  const id = lastId;
  replace([...toasts, { id, text, tone, link }]);
  if (tone === "done") setTimeout(() => dismiss(id), STAYS_MS);
}

export function dismiss(id: number): void {
  replace(toasts.filter((toast) => toast.id !== id));
}

export const currentToasts = (): Toast[] => toasts;

export function subscribeToasts(onChange: () => void): () => void {
  listeners.add(onChange);
  return () => listeners.delete(onChange);
}

function replace(next: Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}
