import type { ComponentType } from "react";

import { LivePage } from "./live/LivePage";

export type Page = { path: string; label: string; Component: ComponentType };

const live: Page = { path: "/", label: "Live", Component: LivePage };

/** Every page of the console, in the order of the navigation. */
export const pages: Page[] = [live];

/** The page at a path; an unknown path shows the first page. */
export function findPage(path: string): Page {
  return pages.find((page) => page.path === path) ?? live;
}
