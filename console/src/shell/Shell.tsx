import { useEffect, useRef } from "react";
import { useLocation } from "wouter";

import { Outlet } from "./Outlet";
import { Header } from "./Header";

/** What every page has around it. */
export function Shell() {
  const main = useMainFocus();
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1} ref={main}>
        <Outlet />
      </main>
    </>
  );
}

/** Puts the focus on the content of another page, as loading it would. */
function useMainFocus() {
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shown = useRef(path);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    main.current?.focus();
    window.scrollTo(0, 0);
  }, [path]);
  return main;
}
