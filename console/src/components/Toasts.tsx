import { useSyncExternalStore } from "react";
import { Link } from "wouter";

import { currentToasts, dismiss, subscribeToasts } from "../lib/toasts";

export function Toasts() {
  const toasts = useSyncExternalStore(subscribeToasts, currentToasts);
  return (
    <div className="toasts" role="status">
      {toasts.map(({ id, text, tone, link }) => (
        <div key={id} className={`toast toast-${tone}`}>
          <span>{text}</span>
          {link && (
            <>
              {" "}
              <Link
                href={link.href}
                onClick={() => {
                  dismiss(id);
                  link.onFollow?.();
                }}
              >
                {link.label}
              </Link>
            </>
          )}
          <button type="button" className="clear-button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
