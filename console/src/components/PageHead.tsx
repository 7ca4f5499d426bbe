import { useEffect, type ReactNode } from "react";

/** The page's title, in the page and in its tab; what can be done with all of the page beside it. */
export function PageHead({ title, children }: { title: string; children?: ReactNode }) {
  usePageTitle(title);
  return (
    <div className="page-head">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Beatline`;
  }, [title]);
}
