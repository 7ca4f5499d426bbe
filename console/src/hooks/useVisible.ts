import { useSyncExternalStore } from "react";

/** Whether the page is in sight: not in a tab behind others. */
export function useVisible(): boolean {
  return useSyncExternalStore(subscribe, isVisible);
}

const isVisible = (): boolean => document.visibilityState === "visible";

function subscribe(onChange: () => void): () => void {
  document.addEventListener("visibilitychange", onChange);
  return () => document.removeEventListener("visibilitychange", onChange);
}
