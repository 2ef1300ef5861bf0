// The front end translates labels and most tooltips from locales/<language>/nodeDefs.json, but the
// widgets that a backend brings along show the tooltip of the node's definition as the server told
// it. Their translations lie in locales/<language>/main.json under castOptions, by node, input,
// backend and option; they are put into the definition before the front end makes nodes of it.

import type { NodeDefinition } from "../shared/comfyui.ts";

/** Tooltips of one node, by input, backend and option. */
export type Tooltips = Record<string, Record<string, Record<string, string>>>;

/** Puts the texts of one node into its definition, as far as it has such widgets. */
export function putTooltips(definition: NodeDefinition, texts: Tooltips | undefined): void {
  const inputs = { ...definition.input?.required, ...definition.input?.optional };
  for (const [name, backends] of Object.entries(texts ?? {})) {
    for (const choice of inputs[name]?.[1]?.options ?? []) {
      if (typeof choice !== "object") continue;
      const all = { ...choice.inputs?.required, ...choice.inputs?.optional };
      for (const [option, text] of Object.entries(backends[choice.key] ?? {})) {
        const options = all[option]?.[1];
        if (options) options.tooltip = text;
      }
    }
  }
}
