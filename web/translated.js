// The front end translates labels and most tooltips from locales/<language>/nodeDefs.json, but the
// widgets that a backend brings along show the tooltip of the node's definition as the server told
// it. Their translations lie in locales/<language>/main.json under castOptions, by node, input,
// backend and option; they are put into the definition before the front end makes nodes of it.

import { app } from "../../scripts/app.js";

const PREFIX = "CAST";
let answer = null;

/** Tooltips by node, input, backend and option in the user's language; {} where there are none. */
async function tooltips() {
  const language = app.extensionManager.setting.get("Comfy.Locale");
  answer ??= app.api.fetchApi("/i18n").then((response) => response.json());
  try {
    return (await answer)[language]?.castOptions ?? {};
  } catch {
    answer = null; // the server may answer the next time; English is there meanwhile
    return {};
  }
}

/** Puts the texts of one node into its definition, as far as it has such widgets. */
export function putTooltips(definition, texts) {
  const inputs = { ...definition.input?.required, ...definition.input?.optional };
  for (const [name, backends] of Object.entries(texts ?? {})) {
    for (const { key, inputs: brought } of inputs[name]?.[1]?.options ?? []) {
      const all = { ...brought?.required, ...brought?.optional };
      for (const [option, text] of Object.entries(backends[key] ?? {})) {
        if (all[option]?.[1]) all[option][1].tooltip = text;
      }
    }
  }
}

app.registerExtension({
  name: "cast.translated",
  async beforeRegisterNodeDef(_nodeType, definition) {
    if (!definition.name?.startsWith(PREFIX)) return;
    putTooltips(definition, (await tooltips())[definition.name]);
  },
});
