import { Link } from "wouter";

import type { Account } from "../api/client";
import { Menu } from "../components/Menu";
import { useSignOut } from "../session/signing";

export function AccountMenu({ account }: { account: Account }) {
  const shown = account.name || account.email;
  return (
    <Menu
      label={`Account of ${shown}`}
      className="avatar-button"
      button={<span aria-hidden="true">{shown.slice(0, 1).toUpperCase()}</span>}
    >
      <p className="menu-who">
        {account.name && <strong>{account.name}</strong>} {account.email}
      </p>
      <Link className="nav-link" href="/settings/profile">
        Profile
      </Link>
      <a className="nav-link" href="/docs">
        API docs
      </a>
      <SignOutButton />
    </Menu>
  );
}

export function SignOutButton() {
  const signOut = useSignOut();
  return (
    <button type="button" className="nav-link nav-button" onClick={() => signOut.mutate()} disabled={signOut.isPending}>
      Sign out
    </button>
  );
}
