// Saved workflows restore widget values by position. When a backend's options change between
// versions, values slide into the wrong widgets. Workflows also carry the values by name; this
// script puts each value back where its name says, follows renamed options, and gives options
// that the workflow does not know their default.

import { app } from "../../scripts/app.js";
import { RENAMED } from "./renamed.mjs";

const PREFIX = "CAST";

/** The values of a saved node by today's names, or null when it was saved without names. */
export function valuesByName(nodeType, saved) {
  if (!saved) return null;
  const names = RENAMED.widgets[nodeType] ?? {};
  const values = RENAMED.values[nodeType] ?? {};
  const result = {};
  for (const [old, value] of Object.entries(saved)) {
    const name = names[old] ?? old;
    result[name] = values[name]?.[value] ?? value;
  }
  return result;
}

/** The specification [type, options] of a widget, also of one that a backend brings along. */
export function specOf(inputs, path, chosen, prefix = "") {
  const all = { ...inputs?.required, ...inputs?.optional };
  for (const [key, spec] of Object.entries(all)) {
    const name = prefix + key;
    if (name === path) return spec;
    if (path.startsWith(name + ".") && spec[1]?.options) {
      const option = spec[1].options.find((o) => o.key === chosen(name));
      if (option) return specOf(option.inputs, path, chosen, name + ".");
    }
  }
  return null;
}

/** The value a fresh node would show. */
export function defaultOf(spec) {
  const [type, options] = spec;
  const list = Array.isArray(type) ? type : options?.options;
  if (options?.default !== undefined) return options.default;
  if (list?.length) return list[0]?.key ?? list[0];
  return undefined;
}

function restore(node, nodeData, saved) {
  const values = valuesByName(nodeData.name, saved);
  if (!values) return;
  const done = new Set();
  // Setting a choice replaces the widgets that belong to it, so look again after each one.
  for (;;) {
    const widget = node.widgets?.find((w) => w.name && !done.has(w.name));
    if (!widget) return;
    done.add(widget.name);
    const chosen = (name) => node.widgets.find((w) => w.name === name)?.value;
    const spec = specOf(nodeData.input, widget.name, chosen);
    if (!spec) continue;
    let value = values[widget.name];
    if (value === undefined) value = defaultOf(spec);
    if (value !== undefined && value !== widget.value) widget.value = value;
  }
}

app.registerExtension({
  name: "cast.savedValues",
  beforeRegisterNodeDef(nodeType, nodeData) {
    if (!nodeData.name.startsWith(PREFIX)) return;
    const before = nodeType.prototype.onConfigure;
    nodeType.prototype.onConfigure = function (info) {
      before?.apply(this, arguments);
      restore(this, nodeData, info?.widgets_values_named);
    };
  },
});
