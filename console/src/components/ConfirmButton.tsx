import { useState, type ReactNode } from "react";

import { Dialog } from "./Dialog";

type ConfirmButtonProps = {
  /** What the button says, and does when it is confirmed. */
  label: string;
  /** What the button is about, for those who do not see its row. */
  of?: string;
  question: string;
  /** What it means to do it. */
  children: ReactNode;
  busy?: boolean;
  className?: string;
  onConfirm: () => void;
};

/** A button for what cannot be taken back: asks first. */
export function ConfirmButton(props: ConfirmButtonProps) {
  const { label, of, question, children, busy, className = "button", onConfirm } = props;
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className={className} disabled={busy} onClick={() => setAsking(true)}>
        {label}
        {of && <span className="visually-hidden"> {of}</span>}
      </button>
      {asking && (
        <Dialog title={question} onClose={() => setAsking(false)}>
          <div className="dialog-text">{children}</div>
          <div className="dialog-actions">
            <button type="button" className="button" onClick={() => setAsking(false)}>
              Cancel
            </button>
            <button
              type="button"
              className="button button-danger"
              onClick={() => {
                setAsking(false);
                onConfirm();
              }}
            >
              {label}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
