import { describe, expect, it, vi } from "vitest";

import type { Schemas } from "../../api/client";
import { errorLines } from "../../lib/errorLines";
import { fromLocal, toLocal } from "../../lib/localTime";
import { readFilter, withFilter } from "./filter";
import { replaySteps, type Outcome } from "./replay";

describe("the filter of the address", () => {
  it("is what the API takes", () => {
    const params = new URLSearchParams("project=2&reason=schema&source=batch&event_type=buy&since=2026-01-01T12:00:00Z");

    expect(readFilter(params)).toEqual({
      reason: "schema", source: "batch", event_type: "buy", since: "2026-01-01T12:00:00Z",
    });
  });

  it.each(["reason=nobody", "reason=toString", "since=soon", "source=", "project=2"])("leaves %s out", (search) => {
    expect(readFilter(new URLSearchParams(search))).toEqual({});
  });

  it("changes without the rest of the address", () => {
    const params = new URLSearchParams("project=2&reason=schema&source=batch");

    expect(withFilter(params, { reason: undefined, event_type: "buy", source: "" }).toString()).toBe("project=2&event_type=buy");
  });
});

describe("a replay", () => {
  const step = (changes: Partial<Schemas["Replay"]>): Schemas["Replay"] => ({
    replayed: 0, still_refused: [], not_replayable: [], remaining: 0, next: null, ...changes,
  });

  it("goes on until nothing is left, and adds up", async () => {
    const seen: Outcome[] = [];
    const refused = { id: 3, errors: { a: ["Bad."] } };
    const answers = [step({ replayed: 2, remaining: 2, next: 7 }), step({ replayed: 1, still_refused: [refused] })];
    const ask = vi.fn<(after: number) => Promise<Schemas["Replay"]>>(async () => answers.shift() ?? step({}));

    await replaySteps(ask, (outcome) => seen.push(outcome), new AbortController().signal);

    expect(ask.mock.calls).toEqual([[0], [7]]);
    expect(seen.map(({ replayed, remaining }) => [replayed, remaining])).toEqual([[2, 2], [3, 0]]);
    expect(seen.at(-1)?.still_refused).toEqual([refused]);
  });

  it("ends after the step in which it is stopped", async () => {
    const controller = new AbortController();
    const ask = vi.fn<(after: number) => Promise<Schemas["Replay"]>>(async () => step({ replayed: 1, remaining: 9, next: 1 }));

    await replaySteps(ask, () => controller.abort(), controller.signal);

    expect(ask).toHaveBeenCalledTimes(1);
  });
});

it.each([
  [{ "properties.amount": ["No number."] }, ["properties.amount: No number."]],
  [{ payload: { url: ["Missing.", "Short."] }, event: "Bad." }, ["payload.url: Missing.", "payload.url: Short.", "event: Bad."]],
  [{}, []],
])("tells errors as lines: %j", (errors, lines) => {
  expect(errorLines(errors)).toEqual(lines);
});

it("keeps an instant through a form's local time", () => {
  expect(fromLocal(toLocal("2026-01-01T12:34:00.000Z"))).toBe("2026-01-01T12:34:00.000Z");
  expect([fromLocal(""), toLocal(undefined), toLocal("soon")]).toEqual(["", "", ""]);
});
