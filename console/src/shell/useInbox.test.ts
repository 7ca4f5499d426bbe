import { expect, test } from "vitest";

import { placeOf, readNews } from "./useInbox";

test.each([
  ["/alerts", 3, "/alerts?project=3"],
  ["/reports/downloads?export=1", 3, "/reports/downloads?export=1&project=3"],
  ["/settings/jobs", null, "/settings/jobs"],
  [null, 3, null],
  ["https://elsewhere.example/", 3, null],
  ["//elsewhere.example/", 3, null],
])("given the path %s of project %s then it leads to %s", (path, project_id, place) => {
  expect(placeOf({ path, project_id })).toBe(place);
});

test.each([
  ['{"type":"ready"}', { type: "ready" }],
  ['{"type":"notification","notification":{"notification_id":7}}', { type: "notification", notification: { notification_id: 7 } }],
  ['{"type":"notification","notification":{}}', { type: "notification" }],
  ['{"type":"ready","notification":{"notification_id":7}}', { type: "ready" }],
  ["[]", { type: "" }],
  ["no JSON", { type: "" }],
])("given the message %s then it is read as what it is", (text, news) => {
  expect(readNews(text)).toEqual(news);
});
