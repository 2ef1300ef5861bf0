// ComfyUI's own modules, served beside the pack's; the build leaves them alone.
declare module "*/scripts/app.js" {
  export const app: import("./shared/comfyui.ts").App;
}
declare module "*.css" {
  const text: string;
  export default text;
}
