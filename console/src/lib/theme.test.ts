import { beforeEach, expect, test, vi } from "vitest";

import { fakeMatchMedia } from "../testing/fakes";
import { applyTheme, currentTheme, toggleTheme } from "./theme";

beforeEach(() => {
  localStorage.clear();
  applyTheme();
});

test.each([
  [true, "dark", "light"],
  [false, "light", "dark"],
])("given a system with dark = %s then the toggle shows the other and remembers it", (dark, own, other) => {
  vi.stubGlobal("matchMedia", fakeMatchMedia({ dark }));
  expect(currentTheme()).toBe(own);
  toggleTheme();
  expect(currentTheme()).toBe(other);
  expect(document.documentElement.dataset.theme).toBe(other);
  expect(localStorage.getItem("beatline.theme")).toBe(other);
});

test("given the system's own theme is chosen again then the system is followed", () => {
  vi.stubGlobal("matchMedia", fakeMatchMedia({ dark: true }));
  toggleTheme();
  toggleTheme();
  expect(document.documentElement.dataset.theme).toBeUndefined();
  vi.stubGlobal("matchMedia", fakeMatchMedia({ dark: false }));
  expect(currentTheme()).toBe("light");
});

test("given a stored value that is no theme then the system's applies", () => {
  vi.stubGlobal("matchMedia", fakeMatchMedia({ dark: true }));
  localStorage.setItem("beatline.theme", "purple");
  expect(currentTheme()).toBe("dark");
});
