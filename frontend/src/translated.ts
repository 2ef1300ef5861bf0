// Tooltips of backends' own widgets in the user's language: see workflows/tooltips.ts.

import { app } from "../../scripts/app.js";
import { isOurs } from "./shared/comfyui.ts";
import { putTooltips, type Tooltips } from "./workflows/tooltips.ts";

type Translations = Record<string, { castOptions?: Record<string, Tooltips> }>;

let answer: Promise<Translations> | null = null;

/** Tooltips by node in the user's language; {} where there are none. */
async function tooltips(): Promise<Record<string, Tooltips>> {
  const language = String(app.extensionManager.setting.get("Comfy.Locale"));
  answer ??= app.api.fetchApi("/i18n").then((response) => response.json());
  try {
    return (await answer)[language]?.castOptions ?? {};
  } catch {
    answer = null; // the server may answer the next time; English is there meanwhile
    return {};
  }
}

app.registerExtension({
  name: "cast.translated",
  async beforeRegisterNodeDef(_nodeType, definition) {
    if (!isOurs(definition.name)) return;
    putTooltips(definition, (await tooltips())[definition.name]);
  },
});
