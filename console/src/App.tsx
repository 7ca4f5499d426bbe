import { QueryClientProvider } from "@tanstack/react-query";
import { useCallback, useState, type ReactNode } from "react";
import { Router, useSearch, type AroundNavHandler } from "wouter";

import { createQueryClient } from "./api/queryClient";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { Toasts } from "./components/Toasts";
import { keepProject } from "./session/project";
import { Shell } from "./shell/Shell";

export function App() {
  const [queryClient] = useState(createQueryClient);
  return (
    <ErrorBoundary what="The console">
      <QueryClientProvider client={queryClient}>
        <ProjectRouter>
          <Shell />
          <Toasts />
        </ProjectRouter>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}

/** Every link and every navigation stays in the project of the address. */
function ProjectRouter({ children }: { children: ReactNode }) {
  const search = useSearch();
  const hrefs = useCallback((href: string) => keepProject(href, search), [search]);
  const aroundNav: AroundNavHandler = useCallback(
    (navigate, to, options) => navigate(keepProject(to, window.location.search), options),
    [],
  );
  return (
    <Router hrefs={hrefs} aroundNav={aroundNav}>
      {children}
    </Router>
  );
}
