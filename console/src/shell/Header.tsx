import { Link, useLocation, useSearch } from "wouter";

import { Logo } from "../components/Logo";
import { Menu } from "../components/Menu";
import { ThemeToggle } from "../components/ThemeToggle";
import { useAccountQuery } from "../session/account";
import { SIGN_IN, signInPath } from "../session/signInPath";
import { AccountMenu, SignOutButton } from "./AccountMenu";
import { Bell } from "./Bell";
import { Navigation } from "./Navigation";
import { ProjectSwitcher } from "./ProjectSwitcher";

const BARS = "M4 7h16M4 12h16M4 17h16";

export function Header() {
  const { data: account } = useAccountQuery();
  return (
    <header className="site-header">
      <div className="site-header-inner">
        <Link className="brand" href="/" aria-label="Beatline, start page">
          <Logo />
          <span>Beatline</span>
        </Link>
        <div className="wide-only">
          <Navigation />
        </div>
        <span className="header-space" />
        {account && <ProjectSwitcher account={account} />}
        <ThemeToggle />
        {account && <Bell />}
        {account && (
          <div className="wide-only">
            <AccountMenu account={account} />
          </div>
        )}
        {account === null && <SignedOut />}
        {account && (
          <div className="narrow-only">
            <Menu label="Menu" className="icon-button" sheet="menu-sheet-wide" button={<BarsIcon />}>
              <Navigation />
              <p className="menu-who">{account.name || account.email}</p>
              <a className="nav-link" href="/docs">
                API docs
              </a>
              <SignOutButton />
            </Menu>
          </div>
        )}
      </div>
    </header>
  );
}

function SignedOut() {
  const [path] = useLocation();
  const search = useSearch();
  const wanted = search ? `${path}?${search}` : path;
  return (
    <>
      <a className="nav-link wide-only" href="/docs">
        API docs
      </a>
      {path !== SIGN_IN && (
        <Link className="button button-link" href={signInPath(wanted)}>
          Sign in
        </Link>
      )}
    </>
  );
}

function BarsIcon() {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" className="icon">
      <path d={BARS} />
    </svg>
  );
}
