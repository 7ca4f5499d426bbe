import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { ApiError } from "../api/client";
import { Form, textOf, TextField } from "./Form";

afterEach(cleanup);

function renderForm(error: Error | null, busy = false) {
  const onSubmit = vi.fn<(data: FormData) => void>();
  render(
    <Form submit="Save" error={error} busy={busy} onSubmit={onSubmit}>
      <TextField name="email" label="Address" hint="Yours." />
      <TextField name="name" label="Name" />
    </Form>,
  );
  return onSubmit;
}

const refused = (fields: Record<string, string[]>) =>
  new ApiError("refused", "The request was refused.", { status: 400, fields });
const alerts = () => screen.queryAllByRole("alert").map((alert) => alert.textContent);

test("given a submit then the fields' texts are handed over", () => {
  const onSubmit = renderForm(null);
  fireEvent.change(screen.getByLabelText("Address"), { target: { value: "ann@example.com" } });
  fireEvent.click(screen.getByRole("button", { name: "Save" }));
  const [[data] = []] = onSubmit.mock.calls;
  expect(data && textOf(data, "email")).toBe("ann@example.com");
});

test("given it is busy then a second submit does nothing", () => {
  const onSubmit = renderForm(null, true);
  fireEvent.click(screen.getByRole("button", { name: "Save …" }));
  expect(onSubmit).not.toHaveBeenCalled();
});

test("given an error of a field then the field says it, is marked and has the focus", () => {
  renderForm(refused({ name: ["Too long."] }));
  const field = screen.getByLabelText("Name");
  expect(alerts()).toEqual(["Too long."]);
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(field.getAttribute("aria-describedby") ?? "")?.textContent).toBe("Too long.");
  expect(document.activeElement).toBe(field);
});

test("given an error of no field here then the form says it", () => {
  renderForm(refused({ "scopes.0": ["Unknown."] }));
  expect(alerts()).toEqual(["The request was refused. scopes.0: Unknown."]);
});

test("given a refusal without fields, or no answer, then the form says it", () => {
  renderForm(new ApiError("refused", "The name is taken.", { status: 409 }));
  expect(alerts()).toEqual(["The name is taken."]);
  cleanup();
  renderForm(new ApiError("unreachable", "No answer"));
  expect(alerts()[0]).toContain("Beatline does not answer");
});
