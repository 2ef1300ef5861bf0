// The words of a price badge lie in the first line of its expression (nodes/prices.py), as a table
// from English to English; another language takes its place before the front end compiles it.

import type { NodeDefinition } from "../shared/comfyui.ts";

const TABLE = /\$words := (\{.*?\});/;

/** Puts the words of another language into a node's price badge; words without one stay English. */
export function putPriceWords(definition: NodeDefinition, words: Record<string, string> | undefined): void {
  const badge = definition.price_badge;
  const table = badge && TABLE.exec(badge.expr)?.[1];
  if (!badge || !table || !words) return;
  const english = Object.keys(JSON.parse(table) as Record<string, string>);
  const put = JSON.stringify(Object.fromEntries(english.map((word) => [word, words[word] ?? word])));
  badge.expr = badge.expr.replace(TABLE, () => `$words := ${put};`);
}
