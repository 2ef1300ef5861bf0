// Values of saved workflows come back by name: see workflows/saved_values.ts.

import { app } from "../../scripts/app.js";
import { RENAMED } from "./lib/renamed.ts";
import { isOurs } from "./shared/comfyui.ts";
import { restore } from "./workflows/saved_values.ts";

app.registerExtension({
  name: "cast.savedValues",
  beforeRegisterNodeDef(nodeType, definition) {
    if (!isOurs(definition.name)) return;
    const before = nodeType.prototype.onConfigure;
    nodeType.prototype.onConfigure = function (info) {
      before?.call(this, info);
      restore(this, definition, info?.widgets_values_named, RENAMED);
    };
  },
});
