// What a node tells of its work: while it runs, when it is done, and what it lacks. All pure.

import type { ServedFile } from "../shared/comfyui.ts";

/** A running stage, as nodes/stage_status.py tells it. */
export interface Running {
  /** "12", or "12:5" within a subgraph. */
  node: string;
  stage: string;
  backend: string;
  done: number;
  total: number;
  made: number;
  reused: number;
  label: string;
  working: string[];
  download: { what: string; done: number; total: number } | null;
  seconds: number;
}

/** What a stage said it did, in the node's output. */
export interface Report {
  summary: string;
  cost: string;
  seconds: number;
  failures: string[];
  warnings: string[];
}

/** The report in a node's output, or null when it holds none. */
export function reportOf(output: Record<string, unknown> | undefined): Report | null {
  const found = (output?.cast_report as Partial<Report>[] | undefined)?.[0];
  if (!found || typeof found !== "object") return null;
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  return {
    summary: String(found.summary ?? ""),
    cost: String(found.cost ?? ""),
    seconds: Number(found.seconds ?? 0),
    failures: list(found.failures),
    warnings: list(found.warnings),
  };
}

/** The files that a node has written, as its output names them; [] when it names none. */
export function filesOf(output: Record<string, unknown> | undefined): ServedFile[] {
  const found = output?.cast_files;
  if (!Array.isArray(found)) return [];
  return (found as Partial<ServedFile>[]).flatMap((file) =>
    typeof file?.filename === "string"
      ? [{ filename: file.filename, subfolder: String(file.subfolder ?? ""), type: String(file.type ?? "output") }]
      : [],
  );
}

/** 0:07, 12:34, 1:02:03. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

const ENOUGH_MADE = 2;

/** Seconds that the rest may take, by what was made so far; null while that tells nothing. */
export function secondsLeft(running: Running, elapsed: number): number | null {
  const left = running.total - running.done;
  if (running.made < ENOUGH_MADE || left <= 0) return null;
  return (elapsed / running.made) * left;
}

/** The share that is done, 0..1; null while nothing is known. */
export function share(running: Running): number | null {
  const { done, total } = running.download ?? running;
  return total > 0 ? Math.min(1, Math.max(0, done / total)) : null;
}

// Messages that tell how to mend something: what can be copied or opened is taken out of the text.

export type Piece = { kind: "text" | "copy" | "link"; text: string };

/** Commands, settings and files within a sentence, longest first where one could hold another. */
const PATTERNS: [Piece["kind"], RegExp][] = [
  ["link", /https?:\/\/[^\s"'<>|]*[^\s"'<>|.,;:)\]]/y],
  ["copy", /(?:python -m )?pip install (?:-[\w-]+ )*(?:'[^']*'|"[^"]*"|[\w.\-[\]=<>~,]*[\w\]])(?: (?:'[^']*'|"[^"]*"|--?[\w-]+|(?!and\b|or\b|then\b|to\b)[\w.\-[\]=<>~]*[=[\]][\w.\-[\]=<>~]*[\w\]]))*/y],
  ["copy", /cast fetch(?: [\w-]+\/[\w.-]*[\w])*/y],
  ["copy", /(?:huggingface-cli|hf) download [\w./-]*[\w]/y],
  ["copy", /(?:\/|[A-Z]:\\)[\w.\-/\\ ]*\.env\b/y],
  ["copy", /\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/y],
];

export function piecesOf(message: string): Piece[] {
  const pieces: Piece[] = [];
  let text = "";
  for (let at = 0; at < message.length; ) {
    const found = PATTERNS.map(([kind, pattern]) => {
      pattern.lastIndex = at;
      return { kind, text: pattern.exec(message)?.[0] ?? "" };
    }).find((piece) => piece.text);
    if (!found) {
      text += message[at++];
      continue;
    }
    if (text) pieces.push({ kind: "text", text });
    text = "";
    pieces.push(found);
    at += found.text.length;
  }
  if (text) pieces.push({ kind: "text", text });
  return pieces;
}

/** What a click copies: settings with their "=", everything else as it stands. */
export function copied(piece: Piece): string {
  return /^[A-Z][A-Z0-9_]*$/.test(piece.text) ? `${piece.text}=` : piece.text;
}

/** Why the server refused a node: its own sentence where there is one. */
export function refusal(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  const told = errors.map((error: { message?: unknown; details?: unknown }) => {
    const details = String(error?.details ?? "").trim();
    const sentence = /^\S+ - (.+)$/s.exec(details)?.[1];
    return sentence ?? [String(error?.message ?? "").trim(), details].filter(Boolean).join(": ");
  });
  return [...new Set(told.filter(Boolean))];
}
