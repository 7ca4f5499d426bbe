import { Link } from "wouter";

import { EmptyNotice } from "../components/EmptyNotice";
import { PageHead } from "../components/PageHead";

export function NotFound() {
  return (
    <>
      <PageHead title="No such page" />
      <EmptyNotice title="Nothing is here">
        <p>
          The console has no page at <code>{window.location.pathname}</code>. It may have been moved, or the
          link is not whole. <Link href="/">Go to Live</Link>.
        </p>
      </EmptyNotice>
    </>
  );
}
