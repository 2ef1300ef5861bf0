// Texts of the definitions that ComfyUI does not translate by itself, in the user's language:
// tooltips of backends' own widgets (workflows/tooltips.ts) and prices (workflows/price_words.ts).

import { app } from "../../scripts/app.js";
import { isOurs } from "./shared/comfyui.ts";
import { putPriceWords } from "./workflows/price_words.ts";
import { putTooltips, type Tooltips } from "./workflows/tooltips.ts";

/** What locales/<language>/main.json holds for the pack. */
interface Texts {
  castOptions?: Record<string, Tooltips>;
  castPrices?: Record<string, string>;
}

let answer: Promise<Record<string, Texts>> | null = null;

/** The texts in the user's language; {} where there are none. */
async function texts(): Promise<Texts> {
  const language = String(app.extensionManager.setting.get("Comfy.Locale"));
  answer ??= app.api.fetchApi("/i18n").then((response) => response.json());
  try {
    return (await answer)[language] ?? {};
  } catch {
    answer = null; // the server may answer the next time; English is there meanwhile
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
  },
});
