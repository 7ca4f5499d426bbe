import { useId, useLayoutEffect, useRef, type ReactNode } from "react";

type DialogProps = {
  title: string;
  /** Escape, the cross and, unless it must not be lost by accident, a click beside it. */
  onClose: () => void;
  keep?: boolean;
  children: ReactNode;
};

/** A modal dialog for as long as it is rendered; the focus goes to its first field, and back at its end. */
export function Dialog({ title, onClose, keep = false, children }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => !keep && event.target === dialog.current && onClose()}
    >
      <div className="dialog-content">
        <h2 id={id}>{title}</h2>
        {children}
        <button type="button" className="icon-button dialog-close" aria-label="Close" onClick={onClose}>
          <span aria-hidden="true">×</span>
        </button>
      </div>
    </dialog>
  );
}
