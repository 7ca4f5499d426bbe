import { expect, test } from "vitest";

import { ApiError } from "../api/client";
import { explainError } from "./explainError";

test.each([
  [new ApiError("unreachable", "No answer"), "Beatline does not answer"],
  [new ApiError("timeout", "No answer within 10 seconds"), "Beatline answers too slowly"],
  [new ApiError("unexpected", "HTML"), "That was not Beatline's answer"],
  [new ApiError("refused", "Bad", { status: 400 }), "Beatline refused the request"],
  [new ApiError("refused", "Who?", { status: 401 }), "Not allowed"],
  [new ApiError("refused", "Slowly", { status: 429 }), "Too many requests"],
  [new ApiError("refused", "Broken", { status: 500 }), "Beatline failed to answer"],
  [new ApiError("refused", "Later", { status: 503 }), "Beatline is not ready"],
  [new TypeError("x is undefined"), "The console itself has failed"],
])("given %s then the title says what happened and there is a next step", (error, title) => {
  const explanation = explainError(error);
  expect(explanation.title).toBe(title);
  expect(explanation.nextStep).not.toBe("");
});

test("given refused fields and a request id then both are told", () => {
  const error = new ApiError("refused", "The request was refused", {
    status: 400,
    fields: { user_id: ["Too long.", "Holds NUL."] },
    requestId: "abc",
  });
  const { detail, requestId } = explainError(error);
  expect(detail).toBe("The request was refused. user_id: Too long. Holds NUL.");
  expect(requestId).toBe("abc");
});
