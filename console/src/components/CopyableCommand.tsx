import { useRef, useState } from "react";

type Outcome = "idle" | "copied" | "selected";

const LABELS: Record<Outcome, string> = {
  idle: "Copy",
  copied: "Copied",
  selected: "Selected: press Ctrl+C",
};
const LABEL_RESET_MS = 4_000;

/** A shell command with a copy button; where the clipboard is closed to us it selects the text. */
export function CopyableCommand({ command, label }: { command: string; label: string }) {
  const text = useRef<HTMLElement>(null);
  const [outcome, setOutcome] = useState<Outcome>("idle");

  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      setOutcome("copied");
    } catch {
      if (text.current) window.getSelection()?.selectAllChildren(text.current);
      setOutcome("selected");
    }
    setTimeout(() => setOutcome("idle"), LABEL_RESET_MS);
  };

  return (
    <div className="command">
      <pre>
        <code ref={text}>{command}</code>
      </pre>
      <button type="button" className="button" onClick={() => void copy()}>
        <span className="visually-hidden">{label}: </span>
        <span aria-live="polite">{LABELS[outcome]}</span>
      </button>
    </div>
  );
}
