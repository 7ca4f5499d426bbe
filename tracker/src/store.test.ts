import { beforeEach, expect, test, vi } from "vitest";
import { openStore } from "./store";

beforeEach(() => localStorage.clear());

function refuse(method: "getItem" | "setItem" | "removeItem"): void {
  vi.spyOn(Storage.prototype, method).mockImplementation(() => {
    throw new DOMException("denied", "SecurityError");
  });
}

test("it keeps to its prefix", () => {
  localStorage.setItem("cart", "3");
  const store = openStore("beatline.k.");
  store.set("b", "2");
  store.set("a", "1");
  openStore("beatline.other.").set("c", "3");

  expect(store.keys()).toEqual(["a", "b"]);
  expect(store.keys("b")).toEqual(["b"]);
  expect(localStorage.getItem("beatline.k.a")).toBe("1");
  store.remove("a");
  expect(store.get("a")).toBeUndefined();
  expect(localStorage.getItem("cart")).toBe("3");
});

test("given no localStorage at all, it remembers while the page lives", () => {
  vi.stubGlobal("localStorage", undefined);
  const store = openStore("p.");
  store.set("a", "1");

  expect(store.get("a")).toBe("1");
  expect(store.keys()).toEqual(["a"]);
  store.remove("a");
  expect(store.keys()).toEqual([]);
});

test("given a full quota, the newer value counts and is stored once there is room", () => {
  const store = openStore("p.");
  store.set("a", "old");
  refuse("setItem");
  store.set("a", "new");
  expect(store.get("a")).toBe("new");
  expect(store.keys()).toEqual(["a"]);

  vi.restoreAllMocks();
  store.set("a", "newer");
  expect(localStorage.getItem("p.a")).toBe("newer");
  expect(openStore("p.").get("a")).toBe("newer");
});
