import { askPath, defaultAsked, type Asked } from "./asked";

/** Questions that nearly everybody has. */
export const STARTERS = [
  starter("Events per day, by type", { groupings: [{ by: "event_type", property: "" }] }),
  starter("Users per day of the last 30 days, compared with those before", {
    measure: { kind: "users", property: "", percentile: 95 },
    period: { kind: "last", count: 30, unit: "day" },
    compare: true,
  }),
  starter("Pages of this week", { period: { kind: "this", unit: "week" }, grain: null, groupings: [{ by: "page", property: "" }] }),
];

function starter(label: string, part: Partial<Asked>) {
  return { label, path: () => askPath({ ...defaultAsked(), ...part }) };
}
