// What the status line says, in the languages of the pack. What a stage reports is in its own words.

const EN = {
  detect: "Detect",
  filter: "Filter",
  depth: "Depth",
  inpaint: "View",
  mesh: "Mesh",
  register: "Placement",
  compose: "Scene",
  count: "{done} of {total}",
  working: "{names}",
  more: "and {n} more",
  left: "about {time} left",
  download: "Download {what}: {done} of {total}",
  stopped: "Stopped after {time}; what was finished is kept.",
  copy: "Copy “{text}”",
  copied: "Copied",
  open: "Open {text}",
  fetch: "Download {name}",
  notReady: "Not ready",
  failed: "Failed",
  warning: "Note",
  refused: "Cannot run",
  status: "Status of this node",
};

export type StatusWords = Record<keyof typeof EN, string>;

const ZH: StatusWords = {
  detect: "检测",
  filter: "筛选",
  depth: "深度",
  inpaint: "视图",
  mesh: "网格",
  register: "位姿",
  compose: "场景",
  count: "{done} / {total}",
  working: "{names}",
  more: "另有 {n} 个",
  left: "约剩 {time}",
  download: "下载 {what}：{done} / {total}",
  stopped: "{time} 后停止，已完成的都保留。",
  copy: "复制“{text}”",
  copied: "已复制",
  open: "打开 {text}",
  fetch: "下载 {name}",
  notReady: "尚不可用",
  failed: "失败",
  warning: "注意",
  refused: "无法运行",
  status: "此节点的状态",
};

export function statusWords(language: unknown): StatusWords {
  return String(language ?? "").startsWith("zh") ? ZH : EN;
}
