const FIRST = ["name", "email", "plan"];
const MOST = 3;

/** The traits that tell most of somebody, in one line; single values only. */
export function describeTraits(traits: Record<string, unknown>): string {
  const single = Object.entries(traits).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return single
    .sort(([one], [other]) => rank(one) - rank(other))
    .slice(0, MOST)
    .map(([name, value]) => (FIRST.includes(name) ? String(value) : `${name}: ${String(value)}`))
    .join(" · ");
}
