// Built from frontend/src by `make web`; change it there.

// src/translated.ts
import { app } from "../../scripts/app.js";

// src/shared/comfyui.ts
function isOurs(name) {
  return name?.startsWith("CAST") ?? false;
}

// src/workflows/price_words.ts
var TABLE = /\$words := (\{.*?\});/;
function putPriceWords(definition, words) {
  const badge = definition.price_badge;
  const table = badge && TABLE.exec(badge.expr)?.[1];
  if (!badge || !table || !words) return;
  const english = Object.keys(JSON.parse(table));
  const put = JSON.stringify(Object.fromEntries(english.map((word) => [word, words[word] ?? word])));
  badge.expr = badge.expr.replace(TABLE, () => `$words := ${put};`);
}

// src/workflows/tooltips.ts
function putTooltips(definition, texts2) {
  const inputs = { ...definition.input?.required, ...definition.input?.optional };
  for (const [name, backends] of Object.entries(texts2 ?? {})) {
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
async function texts() {
  const language = String(app.extensionManager.setting.get("Comfy.Locale"));
  answer ??= app.api.fetchApi("/i18n").then((response) => response.json());
  try {
    return (await answer)[language] ?? {};
  } catch {
    answer = null;
    return {};
  }
}
app.registerExtension({
  name: "cast.translated",
  async beforeRegisterNodeDef(_nodeType, definition) {
    if (!isOurs(definition.name)) return;
    const { castOptions, castPrices } = await texts();
    putTooltips(definition, castOptions?.[definition.name]);
    putPriceWords(definition, castPrices);
  }
});
