import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const COLLECTOR = "http://127.0.0.1:8000";
const COLLECTOR_PATHS = [
  "/api",
  "/analytics",
  "/events",
  "/track",
  "/health",
  "/docs",
  "/openapi.json",
];

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: Object.fromEntries(COLLECTOR_PATHS.map((path) => [path, COLLECTOR])),
  },
  build: {
    // Nothing becomes a data: address, so that the page runs under `default-src 'self'`.
    assetsInlineLimit: 0,
    // The oldest browsers with light-dark(), which carries both colour schemes.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
