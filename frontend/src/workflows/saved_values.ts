// Saved workflows restore widget values by position. When a backend's options change between
// versions, values slide into the wrong widgets. Workflows also carry the values by name; this
// puts each value back where its name says, follows renamed options, and gives options that the
// workflow does not know their default.

import type { Renamed } from "../lib/renamed.ts";
import { type GraphNode, type Inputs, type InputSpec, type NodeDefinition, widgetOf } from "../shared/comfyui.ts";

/** The values of a saved node by today's names, or null when it was saved without names. */
export function valuesByName(
  nodeType: string,
  saved: Record<string, unknown> | undefined,
  renamed: Renamed,
): Record<string, unknown> | null {
  if (!saved) return null;
  const names = renamed.widgets[nodeType] ?? {};
  const values = renamed.values[nodeType] ?? {};
  const result: Record<string, unknown> = {};
  for (const [old, value] of Object.entries(saved)) {
    const name = names[old] ?? old;
    result[name] = values[name]?.[value as string] ?? value;
  }
  return result;
}

/** The specification [type, options] of a widget, also of one that a backend brings along. */
export function specOf(
  inputs: Inputs | undefined,
  path: string,
  chosen: (name: string) => unknown,
  prefix = "",
): InputSpec | null {
  const all = { ...inputs?.required, ...inputs?.optional };
  for (const [key, spec] of Object.entries(all)) {
    const name = prefix + key;
    if (name === path) return spec;
    if (path.startsWith(`${name}.`) && spec[1]?.options) {
      const choice = chosen(name);
      const option = spec[1].options.find((o) => typeof o === "object" && o.key === choice);
      if (typeof option === "object") return specOf(option.inputs, path, chosen, `${name}.`);
    }
  }
  return null;
}

/** The value a fresh node would show. */
export function defaultOf(spec: InputSpec): unknown {
  const [type, options] = spec;
  if (options?.default !== undefined) return options.default;
  const first = (Array.isArray(type) ? type : options?.options)?.[0];
  return typeof first === "object" ? first.key : first;
}

/** Puts the values that a workflow has saved by name into a node's widgets. */
export function restore(
  node: GraphNode,
  definition: NodeDefinition,
  saved: Record<string, unknown> | undefined,
  renamed: Renamed,
): void {
  const values = valuesByName(definition.name, saved, renamed);
  if (!values) return;
  const done = new Set<string>();
  // Setting a choice replaces the widgets that belong to it, so look again after each one.
  for (;;) {
    const widget = node.widgets?.find((w) => w.name && !done.has(w.name));
    if (!widget) return;
    done.add(widget.name);
    const spec = specOf(definition.input, widget.name, (name) => widgetOf(node, name)?.value);
    if (!spec) continue;
    let value = values[widget.name];
    if (value === undefined) value = defaultOf(spec);
    if (value !== undefined && value !== widget.value) widget.value = value;
  }
}
