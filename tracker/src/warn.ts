/** Tell the page's developer; never break the page. */
export function warn(problem: unknown): void {
  console.warn("beatline:", problem);
}
