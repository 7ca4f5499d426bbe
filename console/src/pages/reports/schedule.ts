import type { Schemas } from "../../api/client";
import type { Schedule } from "./queries";

export type ScheduleBody = Schemas["ScheduleBody"];

export const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/** When a schedule runs, in words. */
export function whenWords({ every, on_day, at_hour, time_zone }: Pick<Schedule, "every" | "on_day" | "at_hour" | "time_zone">): string {
  return `${dayWords(every, on_day)} at ${String(at_hour).padStart(2, "0")}:00 (${time_zone})`;
}

function dayWords(every: string, day: number | null): string {
  if (every === "week") return `${WEEKDAYS[(day ?? 1) - 1] ?? "A day"} of each week`;
  if (every === "month") return (day ?? 1) > 28 ? `Day ${day} of each month, or its last` : `Day ${day ?? 1} of each month`;
  return "Each day";
}

/** A schedule as it is sent, so that a part of it can be changed. */
export function asBody(schedule: Schedule): ScheduleBody {
  const { at_hour, every, format, on_day, paused, recipients, time_zone } = schedule;
  return {
    at_hour,
    every: every as ScheduleBody["every"],
    format: format as ScheduleBody["format"],
    on_day,
    paused,
    recipients,
    time_zone,
  };
}
