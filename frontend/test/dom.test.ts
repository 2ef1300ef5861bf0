import { expect, test, vi } from "vitest";
import { element, LONGEST_TEXT, oneLine, shadowWith } from "../src/shared/dom.ts";

test("text among the children stays text", () => {
  const made = element("p", {}, "<img src=x onerror=alert(1)>");
  expect(made.children).toHaveLength(0);
  expect(made.textContent).toBe("<img src=x onerror=alert(1)>");
});

test("attributes that are functions listen, those that are false are left out", () => {
  const listener = vi.fn();
  const made = element("button", { onclick: listener, disabled: false, title: "t", "aria-pressed": "true" });
  made.click();
  expect(listener).toHaveBeenCalledOnce();
  expect(made.hasAttribute("disabled")).toBe(false);
  expect(made.getAttribute("aria-pressed")).toBe("true");
});

test("one line: no line breaks, no turned text, no more than fits, emoji whole", () => {
  expect(oneLine("a\nb\u202ec")).toBe("a b c");
  expect(oneLine("🪑".repeat(500))).toBe("🪑".repeat(LONGEST_TEXT) + "…");
  expect(oneLine(undefined)).toBe("");
});

test("a shadow root holds its own style", () => {
  const host = document.createElement("div");
  expect(shadowWith(host, "p { color: red }").querySelector("style")?.textContent).toContain("red");
});
