import { Redirect, useLocation, useSearch } from "wouter";

import { signInPath } from "./signInPath";

/** To the sign-in page, and back here afterwards. */
export function ToSignIn() {
  const [path] = useLocation();
  const search = useSearch();
  return <Redirect to={signInPath(search ? `${path}?${search}` : path)} replace />;
}
