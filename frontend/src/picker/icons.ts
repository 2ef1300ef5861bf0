// Line drawings for the picker's buttons, 16 x 16, in the colour of the text.

const PATHS = {
  select: "M3.5 2v10.5l3-2.7 1.9 4 1.8-.8-1.9-3.9h4Z",
  box: "M2.5 3.5h11v9h-11Z",
  plus: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 5v6M5 8h6",
  minus: "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM5 8h6",
  paint: "M13.5 2.5 7 9M7 9c-1.7-.6-3 .4-3.2 2-.1 1.2-.9 1.9-1.8 2.3 2.6.8 5.3.2 5.9-1.8C8.3 10.5 8 9.5 7 9Z",
  erase: "M6.5 13.5 2.5 9.5 9 3l4.5 4.5-6 6ZM5.5 6.5l4.5 4.5M6.5 13.5h7",
  undo: "M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6",
  redo: "M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h4",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  clear: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  remove: "M4 4l8 8M12 4l-8 8",
  restore: "M3 8a5 5 0 1 0 1.5-3.5M3 2.5v3h3",
  reset: "M3 8a5 5 0 1 0 1.5-3.5M3 2.5v3h3",
} as const;

export type ToolIcon = keyof typeof PATHS;

export function iconOf(name: ToolIcon): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const attributes = { viewBox: "0 0 16 16", width: "15", height: "15", fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linejoin": "round", "stroke-linecap": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
