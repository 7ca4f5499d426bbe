import { expect, test } from "vitest";

import { account } from "../testing/fakes";
import { keepProject, projectOf } from "./project";
import { nextPath, signInPath } from "./signInPath";

test.each([
  ["/users", "project=3", "/users?project=3"],
  ["/users?sort=name", "project=3", "/users?sort=name&project=3"],
  ["/users?project=1", "project=3", "/users?project=1"],
  ["/users", "", "/users"],
  ["/sign-in?next=%2F", "project=3", "/sign-in?next=%2F"],
])("given a link to %s on a page with %s then it leads to %s", (href, search, expected) => {
  expect(keepProject(href, search)).toBe(expected);
});

test.each([
  ["no project named", account, null, { projectId: 1, name: "default" }],
  ["one of the account's", account, "3", { projectId: 3, name: "shop", permissions: ["numbers:read", "events:read"] }],
  ["one of others", account, "2", { projectId: 2, permissions: [] }],
  ["no role anywhere", { ...account, projects: [] }, null, { projectId: 1, permissions: [] }],
  ["nobody signed in", null, "3", { projectId: 1, permissions: ["numbers:read"] }],
])("given %s then the page is about the right one", (_, asking, asked, expected) => {
  expect(projectOf(asking, asked)).toMatchObject(expected);
});

test.each([
  ["/settings/tokens?project=2", "/settings/tokens?project=2"],
  ["//example.com/", "/"],
  ["/\\example.com/", "/"],
  ["https://example.com/", "/"],
  ["javascript:alert(1)", "/"],
  ["", "/"],
])("given next=%s then signing in leads to %s", (next, expected) => {
  expect(nextPath(`?${new URLSearchParams({ next })}`)).toBe(expected);
});

test("given a page then its sign-in address leads back to it", () => {
  const wanted = "/event-log?type=a%26b&project=3";
  expect(nextPath(signInPath(wanted).slice("/sign-in".length))).toBe(wanted);
  expect(signInPath("/")).toBe("/sign-in");
});
