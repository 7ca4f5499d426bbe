import { describe, expect, it } from "vitest";

import { snippetsFor, type Target } from "./snippets";

const target: Target = { host: "https://events.example", writeKey: "bl_0123", domain: "shop.example" };

function codeOf(id: string, changes: Partial<Target> = {}): string {
  return snippetsFor({ ...target, ...changes }).find((snippet) => snippet.id === id)?.code ?? "";
}

describe("snippets", () => {
  it.each(snippetsFor(target).map(({ id }) => id))("of %s name the host and who sends", (id) => {
    expect(codeOf(id)).toContain("https://events.example");
    expect(codeOf(id)).toContain(id === "plausible" ? "shop.example" : "bl_0123");
  });

  it("are one for each SDK", () => {
    const ids = snippetsFor(target).map(({ id }) => id);
    expect(ids).toEqual([
      "tracker", "python", "segment-js", "segment-node", "segment-python", "posthog-js", "posthog-python",
      "rudderstack", "plausible", "curl",
    ]);
  });

  it("load the tracker with the project's key", () => {
    expect(codeOf("tracker")).toContain(
      '<script async src="https://events.example/tracker.js"\n  data-write-key="bl_0123"></script>',
    );
  });

  it("stay one value, whatever a domain is", () => {
    expect(codeOf("plausible", { domain: '"><script>alert(1)</script>&' })).toContain(
      'data-domain="&quot;>&lt;script>alert(1)&lt;/script>&amp;"',
    );
  });

  it("stay one word of the shell and one text of a program, whatever a key is", () => {
    expect(codeOf("curl", { writeKey: "it's" })).toContain(`-H 'X-Write-Key: it'\\''s'`);
    expect(codeOf("posthog-python", { writeKey: 'a"b' })).toContain('Posthog("a\\"b", host=');
  });

  it("send JSON", () => {
    const body = codeOf("curl").match(/-d '([^']*)'/)?.[1] ?? "";
    expect(JSON.parse(body)).toMatchObject({ event_type: "order_completed" });
  });
});
