/** A local time of a form's field (datetime-local) as an instant of the API's, "" for none. */
export function fromLocal(local: string): string {
  return local ? new Date(local).toISOString() : "";
}

/** An instant as the local time of a form's field, "" for none. */
export function toLocal(instant: string | undefined): string {
  const moment = instant ? Date.parse(instant) : NaN;
  if (Number.isNaN(moment)) return "";
  const offset = new Date(moment).getTimezoneOffset() * 60_000;
  return new Date(moment - offset).toISOString().slice(0, 16);
}
