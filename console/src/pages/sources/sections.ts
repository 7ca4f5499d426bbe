import { lazy, type ComponentType } from "react";

type Section = { path: string; label: string; Component: ComponentType };

export const sections: Section[] = [
  { path: "/sources", label: "Write keys", Component: lazy(() => import("./KeysSection")) },
  { path: "/sources/sdks", label: "SDKs", Component: lazy(() => import("./SdksSection")) },
  { path: "/sources/webhooks", label: "Webhooks", Component: lazy(() => import("./WebhooksSection")) },
  { path: "/sources/imports", label: "Imports", Component: lazy(() => import("./ImportsSection")) },
];
