import { Link, useLocation } from "wouter";

import { findPage, pages } from "../pages";
import { useAccount } from "../session/account";
import { useProject } from "../session/project";

/** The pages that one may see. */
export function Navigation() {
  const account = useAccount();
  const { permissions } = useProject();
  const [path] = useLocation();
  const current = findPage(path);
  const seen = pages.filter(({ permission, open }) =>
    account ? !permission || permissions.includes(permission) : open,
  );
  return (
    <nav aria-label="Pages" className="site-nav">
      {seen.map((page) => (
        <Link
          key={page.path}
          className="nav-link"
          href={page.path}
          aria-current={page === current ? "page" : undefined}
        >
          {page.label}
        </Link>
      ))}
    </nav>
  );
}
