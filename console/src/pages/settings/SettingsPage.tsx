import { Suspense, useEffect, useRef } from "react";
import { Link, Redirect, useLocation } from "wouter";

import { ErrorBoundary } from "../../components/ErrorBoundary";
import { Skeleton } from "../../components/Skeleton";
import { useAccount } from "../../session/account";
import { useProject } from "../../session/project";
import { NotAllowed } from "../../shell/NotAllowed";
import { NotFound } from "../../shell/NotFound";
import { administration, own, type Section } from "./sections";

export default function SettingsPage() {
  const [path] = useLocation();
  const may = useMay();
  const section = [...own, ...administration].find((known) => known.path === path);
  if (path === "/settings") return <Redirect to="/settings/profile" replace />;
  if (!section) return <NotFound />;
  return (
    <div className="settings">
      <SectionList current={section} may={may} />
      <div className="settings-section">
        <ErrorBoundary key={path} what="This section">
          <Suspense fallback={<Skeleton className="skeleton-page" />}>
            {may(section) ? <section.Component /> : <NotAllowed label={section.label} />}
          </Suspense>
        </ErrorBoundary>
      </div>
    </div>
  );
}

function SectionList({ current, may }: { current: Section; may: (section: Section) => boolean }) {
  const seen = administration.filter(may);
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the list is one line to swipe along.
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <nav ref={list} className="section-nav" aria-label="Settings">
      <Sections title="Yours" sections={own} current={current} />
      {seen.length > 0 && <Sections title="Administration" sections={seen} current={current} />}
    </nav>
  );
}

type SectionsProps = { title: string; sections: Section[]; current: Section };

function Sections({ title, sections, current }: SectionsProps) {
  return (
    <div className="section-group">
      <p className="section-title">{title}</p>
      {sections.map(({ path, label }) => (
        <Link
          key={path}
          className="nav-link"
          href={path}
          aria-current={path === current.path ? "page" : undefined}
        >
          {label}
        </Link>
      ))}
    </div>
  );
}

function useMay(): (section: Section) => boolean {
  const account = useAccount();
  const { permissions } = useProject();
  const all = [...permissions, ...(account?.permissions ?? [])];
  return ({ anyOf }) => anyOf.length === 0 || anyOf.some((permission) => all.includes(permission));
}
