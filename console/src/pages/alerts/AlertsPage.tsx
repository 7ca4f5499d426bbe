import { Suspense } from "react";
import { Link, useLocation } from "wouter";

import { ErrorBoundary } from "../../components/ErrorBoundary";
import { Skeleton } from "../../components/Skeleton";
import { useAccount } from "../../session/account";
import { NotAllowed } from "../../shell/NotAllowed";
import { NotFound } from "../../shell/NotFound";
import { sections, WATCHES, WATCH_PATH, WatchEditor, type Section } from "./sections";
import "./alerts.css";

export default function AlertsPage() {
  const [path] = useLocation();
  const may = useMay();
  const [, place] = WATCH_PATH.exec(path) ?? [];
  const section = sections.find((known) => known.path === path);
  if (!section && !place) return <NotFound />;
  const current = section?.path ?? WATCHES;
  return (
    <div className="settings">
      <nav className="section-nav" aria-label="Alerts">
        <div className="section-group">
          {sections.filter(may).map(({ path: href, label }) => (
            <Link key={href} className="nav-link" href={href} aria-current={href === current ? "page" : undefined}>
              {label}
            </Link>
          ))}
        </div>
      </nav>
      <div className="settings-section">
        <ErrorBoundary key={path} what="This section">
          <Suspense fallback={<Skeleton className="skeleton-page" />}>
            {section && (may(section) ? <section.Component /> : <NotAllowed label={section.label} />)}
            {place && <WatchEditor key={place} watchId={place === "new" ? null : Number(place)} />}
          </Suspense>
        </ErrorBoundary>
      </div>
    </div>
  );
}

/** Alerts of Grafana are about the installation, and no project's own. */
function useMay(): (section: Section) => boolean {
  const account = useAccount();
  return ({ everywhere }) => !everywhere || (account?.permissions.includes(everywhere) ?? false);
}
