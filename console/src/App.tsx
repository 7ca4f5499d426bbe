import { QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";

import { createQueryClient } from "./api/queryClient";
import { ErrorBoundary } from "./components/ErrorBoundary";
import { Header } from "./components/Header";
import { findPage } from "./pages";

export function App() {
  const [queryClient] = useState(createQueryClient);
  const page = findPage(window.location.pathname);
  return (
    <ErrorBoundary>
      <QueryClientProvider client={queryClient}>
        <a className="skip-link" href="#main">
          Skip to the content
        </a>
        <Header current={page} />
        <main id="main" tabIndex={-1}>
          <page.Component />
        </main>
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
