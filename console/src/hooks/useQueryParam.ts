import { useCallback, useSyncExternalStore } from "react";

const CHANGED = "beatline:query";

/** One parameter of the page's query ("" when absent), and a setter that leaves no history. */
export function useQueryParam(name: string): [string, (value: string) => void] {
  const value = useSyncExternalStore(subscribe, () => read(name));
  const setValue = useCallback((next: string) => write(name, next), [name]);
  return [value, setValue];
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("popstate", onChange);
  window.addEventListener(CHANGED, onChange);
  return () => {
    window.removeEventListener("popstate", onChange);
    window.removeEventListener(CHANGED, onChange);
  };
}

function read(name: string): string {
  return new URLSearchParams(window.location.search).get(name) ?? "";
}

function write(name: string, value: string): void {
  const url = new URL(window.location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", url);
  window.dispatchEvent(new Event(CHANGED));
}
