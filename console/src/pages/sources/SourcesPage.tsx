import { Suspense } from "react";
import { Link, useLocation } from "wouter";

import { ErrorBoundary } from "../../components/ErrorBoundary";
import { Skeleton } from "../../components/Skeleton";
import { NotFound } from "../../shell/NotFound";
import { sections } from "./sections";
import "./sources.css";

export default function SourcesPage() {
  const [path] = useLocation();
  const section = sections.find((known) => known.path === path);
  if (!section) return <NotFound />;
  return (
    <div className="settings">
      <nav className="section-nav" aria-label="Sources">
        <div className="section-group">
          {sections.map(({ path: href, label }) => (
            <Link key={href} className="nav-link" href={href} aria-current={href === path ? "page" : undefined}>
              {label}
            </Link>
          ))}
        </div>
      </nav>
      <div className="settings-section">
        <ErrorBoundary key={path} what="This section">
          <Suspense fallback={<Skeleton className="skeleton-page" />}>
            <section.Component />
          </Suspense>
        </ErrorBoundary>
      </div>
    </div>
  );
}
