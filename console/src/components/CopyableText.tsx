import { useRef, useState } from "react";

type Outcome = "idle" | "copied" | "selected";

const LABELS: Record<Outcome, string> = {
  idle: "Copy",
  copied: "Copied",
  selected: "Selected: press Ctrl+C",
};
const LABEL_RESET_MS = 4_000;

/** A text with a copy button; where the clipboard is closed to us it selects the text. */
export function CopyableText({ text, label }: { text: string; label: string }) {
  const shown = useRef<HTMLElement>(null);
  const [outcome, setOutcome] = useState<Outcome>("idle");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      if (shown.current) window.getSelection()?.selectAllChildren(shown.current);
      setOutcome("selected");
    }
    setTimeout(() => setOutcome("idle"), LABEL_RESET_MS);
  };

  return (
    <div className="command">
      <pre tabIndex={0} role="region" aria-label={label}>
        <code ref={shown}>{text}</code>
      </pre>
      <button type="button" className="button" onClick={() => void copy()}>
        <span className="visually-hidden">{label}: </span>
        <span aria-live="polite">{LABELS[outcome]}</span>
      </button>
    </div>
  );
}
