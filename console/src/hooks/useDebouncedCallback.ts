import { useCallback, useEffect, useRef } from "react";

/** Calls `callback` with the last value once `delay` milliseconds have passed without another. */
export function useDebouncedCallback<T>(
  callback: (value: T) => void,
  delay: number,
): { later: (value: T) => void; now: (value: T) => void } {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const now = useCallback(
    (value: T) => {
      clearTimeout(timer.current);
      callback(value);
    },
    [callback],
  );
  const later = useCallback(
    (value: T) => {
      clearTimeout(timer.current);
      timer.current = setTimeout(() => callback(value), delay);
    },
    [callback, delay],
  );
  return { later, now };
}
