import type { Schemas } from "../../../api/client";

export type Device = Omit<Schemas["Device"], "channel"> & { channel: string };
export type Preference = Schemas["Preference"];
export type Severity = NonNullable<Preference["minimum_severity"]>;
export type Kind = Preference["kind"];
export type Channel = Preference["channel"];

export const CHANNEL_WORDS: Record<Channel, string> = {
  web_push: "Browser",
  email: "E-mail",
  webhook: "Webhook",
  fcm: "Android app",
  apns: "iOS app",
  live: "Console, live",
};

export const KIND_WORDS: Record<Kind, string> = {
  watch: "Watches",
  alert: "Grafana’s alerts",
  report: "Reports",
  export: "Exports",
};

/** What of a kind comes by a channel. */
export type Level = Severity | "nothing";

export const LEVEL_WORDS: Record<Level, string> = {
  info: "everything",
  warning: "from warning on",
  critical: "only critical",
  nothing: "nothing",
};
export const levelNames = Object.keys(LEVEL_WORDS) as Level[];

export function levelOf(preferences: Preference[], kind: Kind, channel: Channel): Level {
  const known = preferences.find((each) => each.kind === kind && each.channel === channel);
  if (!known) return "info";
  return known.enabled ? (known.minimum_severity ?? "info") : "nothing";
}

/** The preferences with one more; what asks for everything need not be named. */
export function withLevel(preferences: Preference[], kind: Kind, channel: Channel, level: Level): Preference[] {
  const others = preferences.filter((each) => each.kind !== kind || each.channel !== channel);
  if (level === "info") return others;
  const minimum_severity = level === "nothing" ? "info" : level;
  return [...others, { kind, channel, enabled: level !== "nothing", minimum_severity }];
}

