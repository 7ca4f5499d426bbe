import { useId, type ReactNode } from "react";

type PanelProps = {
  title: string;
  /** What exactly is counted, next to the title. */
  hint?: ReactNode;
  /** The time of day of numbers that could not be renewed. */
  staleSince?: string | undefined;
  loading?: boolean;
  className?: string;
  children: ReactNode;
};

export function Panel({ title, hint, staleSince, loading, className = "", children }: PanelProps) {
  const id = useId();
  const stale = staleSince !== undefined;
  return (
    <section
      className={`panel ${className} ${stale ? "panel-stale" : ""}`}
      aria-labelledby={id}
      aria-busy={loading}
    >
      <header className="panel-header">
        <h2 id={id}>{title}</h2>
        {stale ? (
          <span className="stale-tag">from {staleSince}</span>
        ) : (
          hint && <span className="hint">{hint}</span>
        )}
      </header>
      {children}
    </section>
  );
}
