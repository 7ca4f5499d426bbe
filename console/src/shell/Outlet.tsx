import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { useLocation } from "wouter";

import { ErrorBoundary } from "../components/ErrorBoundary";
import { ErrorNotice } from "../components/ErrorNotice";
import { Skeleton } from "../components/Skeleton";
import { findPage, type Page } from "../pages";
import { useAccountQuery } from "../session/account";
import { usePermission } from "../session/project";
import { SIGN_IN } from "../session/signInPath";
import { ToSignIn } from "../session/ToSignIn";
import { NotAllowed } from "./NotAllowed";
import { NotFound } from "./NotFound";

const SignInPage = lazy(() => import("../pages/sign-in/SignInPage"));

/** The page of the address, for whoever may see it. */
export function Outlet() {
  const [path] = useLocation();
  const page = findPage(path);
  return (
    <ErrorBoundary key={page?.path ?? path} what="This page">
      <Suspense fallback={<PageSkeleton />}>
        {path === SIGN_IN && <SignInPage />}
        {page && <Guarded page={page} />}
        {!page && path !== SIGN_IN && <NotFound />}
      </Suspense>
    </ErrorBoundary>
  );
}

function Guarded({ page }: { page: Page }) {
  const account = useAccountQuery();
  useEffect(() => void page.load(), [page]); // while the account is asked for
  if (account.data) return <Permitted page={page} />;
  if (page.open && !account.isLoading) return <page.Component />;
  if (account.data === null) return <ToSignIn />;
  if (account.error) return <NoAccount error={account.error} onRetry={() => void account.refetch()} />;
  return <PageSkeleton />;
}

function Permitted({ page }: { page: Page }): ReactNode {
  const may = usePermission(page.permission ?? "numbers:read");
  return may || !page.permission ? <page.Component /> : <NotAllowed label={page.label} />;
}

function NoAccount({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return <ErrorNotice error={error} consequence="Who is signed in is not known." onRetry={onRetry} />;
}

function PageSkeleton() {
  return <Skeleton className="skeleton-page" />;
}
