// Built from frontend/src by `make web`; change it there.

// src/lib/renamed.ts
var RENAMED = { widgets: {}, values: {} };
export {
  RENAMED
};
