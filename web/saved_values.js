// Built from frontend/src by `make web`; change it there.

// src/saved_values.ts
import { app } from "../../scripts/app.js";
import { RENAMED } from "./lib/renamed.mjs";

// src/shared/comfyui.ts
function isOurs(name) {
  return name?.startsWith("CAST") ?? false;
}
function widgetOf(node, name) {
  return node.widgets?.find((widget) => widget.name === name);
}

// src/workflows/saved_values.ts
function valuesByName(nodeType, saved, renamed) {
  if (!saved) return null;
  const names = renamed.widgets[nodeType] ?? {};
  const values = renamed.values[nodeType] ?? {};
  const result = {};
  for (const [old, value] of Object.entries(saved)) {
    const name = names[old] ?? old;
    result[name] = values[name]?.[value] ?? value;
  }
  return result;
}
function specOf(inputs, path, chosen, prefix = "") {
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
function defaultOf(spec) {
  const [type, options] = spec;
  if (options?.default !== void 0) return options.default;
  const first = (Array.isArray(type) ? type : options?.options)?.[0];
  return typeof first === "object" ? first.key : first;
}
function restore(node, definition, saved, renamed) {
  const values = valuesByName(definition.name, saved, renamed);
  if (!values) return;
  const done = /* @__PURE__ */ new Set();
  for (; ; ) {
    const widget = node.widgets?.find((w) => w.name && !done.has(w.name));
    if (!widget) return;
    done.add(widget.name);
    const spec = specOf(definition.input, widget.name, (name) => widgetOf(node, name)?.value);
    if (!spec) continue;
    let value = values[widget.name];
    if (value === void 0) value = defaultOf(spec);
    if (value !== void 0 && value !== widget.value) widget.value = value;
  }
}

// src/saved_values.ts
app.registerExtension({
  name: "cast.savedValues",
  beforeRegisterNodeDef(nodeType, definition) {
    if (!isOurs(definition.name)) return;
    const before = nodeType.prototype.onConfigure;
    nodeType.prototype.onConfigure = function(info) {
      before?.call(this, info);
      restore(this, definition, info?.widgets_values_named, RENAMED);
    };
  }
});
