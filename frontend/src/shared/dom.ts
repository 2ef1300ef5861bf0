// Pieces of the page. Text of users and models comes in as textContent, never as markup.

type Attributes = Record<string, string | number | boolean | undefined | EventListener>;

/**
 * An element with attributes and children. `on…` attributes are listeners, `true` sets an empty
 * attribute, `false` and undefined set none. Strings among the children become text.
 */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/** Longest label that is shown; the rest is behind an ellipsis. */
export const LONGEST_TEXT = 200;

/** Text of users or models, fit for one line: no control or direction characters, not too long. */
export function oneLine(text: unknown, longest = LONGEST_TEXT): string {
  const plain = String(text ?? "")
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
  const letters = Array.from(plain);
  return letters.length > longest ? `${letters.slice(0, longest).join("")}…` : plain;
}

/** A shadow root with this style sheet, so that neither ComfyUI's CSS nor ours leaks. */
export function shadowWith(host: HTMLElement, css: string): ShadowRoot {
  const root = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  root.append(style);
  return root;
}
