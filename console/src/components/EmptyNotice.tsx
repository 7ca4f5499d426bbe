import { useId, type ReactNode } from "react";

/** What is said where there is nothing to show, and what the reader can do about it. */
export function EmptyNotice({ title, children }: { title: string; children?: ReactNode }) {
  const id = useId();
  return (
    <section className="notice notice-empty" aria-labelledby={id}>
      <div className="notice-text">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </section>
  );
}
