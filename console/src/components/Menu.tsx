import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { useLocation } from "wouter";

type MenuProps = {
  label: string;
  className: string;
  /** What the button shows. */
  button: ReactNode;
  /** A class of the sheet. */
  sheet?: string;
  children: ReactNode;
};

/** A button that opens a sheet of links; Escape, a click elsewhere and another page close it. */
export function Menu({ label, className, button, sheet = "", children }: MenuProps) {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<string | null>(null); // the page on which it was opened
  const [path] = useLocation();
  const open = place === path;
  useDismiss(open, box, () => setPlace(null));
  return (
    <div className="menu" ref={box}>
      <button
        type="button"
        className={className}
        aria-label={label}
        title={label}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setPlace(open ? null : path)}
      >
        {button}
      </button>
      <div id={id} className={`menu-sheet ${sheet}`} hidden={!open}>
        {children}
      </div>
    </div>
  );
}

function useDismiss(open: boolean, box: { current: HTMLElement | null }, close: () => void): void {
  const latest = useRef(close);
  useEffect(() => {
    latest.current = close;
  });
  useEffect(() => {
    if (!open) return;
    const onPointer = ({ target }: Event) => {
      if (target instanceof Node && !box.current?.contains(target)) latest.current();
    };
    const onKey = ({ key }: KeyboardEvent) => {
      if (key !== "Escape") return;
      latest.current();
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey);
    };
  }, [open, box]);
}
