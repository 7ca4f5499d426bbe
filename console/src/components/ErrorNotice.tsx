import type { ReactNode } from "react";

import { explainError } from "../lib/explainError";

type ErrorNoticeProps = {
  error: Error;
  /** What the numbers on the page are worth now. */
  consequence: ReactNode;
  onRetry: () => void;
};

export function ErrorNotice({ error, consequence, onRetry }: ErrorNoticeProps) {
  const { title, detail, nextStep, requestId } = explainError(error);
  return (
    <div className="notice notice-error">
      <div className="notice-text">
        <div role="alert">
          <h2>{title}</h2>
          <p>
            {detail} {nextStep}
          </p>
        </div>
        <p className="notice-consequence">{consequence}</p>
        {requestId && (
          <p className="footnote">
            Request <code>{requestId}</code>
          </p>
        )}
      </div>
      <button type="button" className="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}
