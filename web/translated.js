// Built from frontend/src by `make web`; change it there.

// src/translated.ts
import { app } from "../../scripts/app.js";

// src/shared/comfyui.ts
function isOurs(name) {
  return name?.startsWith("CAST") ?? false;
}

// src/workflows/tooltips.ts
function putTooltips(definition, texts) {
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

// src/translated.ts
var answer = null;
async function tooltips() {
  const language = String(app.extensionManager.setting.get("Comfy.Locale"));
  answer ??= app.api.fetchApi("/i18n").then((response) => response.json());
  try {
    return (await answer)[language]?.castOptions ?? {};
  } catch {
    answer = null;
    return {};
  }
}
app.registerExtension({
  name: "cast.translated",
  async beforeRegisterNodeDef(_nodeType, definition) {
    if (!isOurs(definition.name)) return;
    putTooltips(definition, (await tooltips())[definition.name]);
  }
});
