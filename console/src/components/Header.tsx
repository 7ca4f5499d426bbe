import { pages, type Page } from "../pages";
import { Logo } from "./Logo";
import { ThemeToggle } from "./ThemeToggle";

export function Header({ current }: { current: Page }) {
  return (
    <header className="site-header">
      <div className="site-header-inner">
        <a className="brand" href="/" aria-label="Beatline, start page">
          <Logo />
          <span>Beatline</span>
        </a>
        <nav aria-label="Pages">
          {pages.map((page) => (
            <a
              key={page.path}
              className="nav-link"
              href={page.path}
              aria-current={page === current ? "page" : undefined}
            >
              {page.label}
            </a>
          ))}
        </nav>
        <a className="nav-link docs-link" href="/docs">
          API docs
        </a>
        <ThemeToggle />
      </div>
    </header>
  );
}
