// A browser driven over stdin and stdout: one JSON request a line, one JSON answer a line.
// {"do": "open", "url"} | {"do": "run", "code", "argument"} | {"do": "screenshot", "path"}
// {"do": "click", "x", "y", "shift"} | {"do": "press", "key"} | {"do": "viewport", "width", "height"}
// {"do": "download", "x", "y", "path"} clicks there and answers the name of the file that it brings.
// {"do": "problems"} answers the console errors and page errors since it was last asked.
// "code" is the body of an async function (argument) that runs in the page.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--js-flags=--expose-gc", "--enable-precise-memory-info", // memory can be measured
  ],
});
const page = await browser.newPage({ viewport: { width: 2400, height: 1350 } });
let problems = [];
page.on("console", (message) => {
  if (message.type() === "error") problems.push(`${message.text()} (${message.location().url})`);
});
page.on("pageerror", (error) => problems.push(String(error)));

const commands = {
  open: async ({ url }) => {
    await page.goto(url, { waitUntil: "load" });
    return page.url();
  },
  run: ({ code, argument }) =>
    page.evaluate(
      ([body, value]) => new Function("argument", `return (async () => {${body}})()`)(value),
      [code, argument ?? null],
    ),
  screenshot: async ({ path, clip }) => {
    await page.screenshot({ path, clip: clip ?? undefined });
    return path;
  },
  click: async ({ x, y, shift }) => {
    if (shift) await page.keyboard.down("Shift");
    await page.mouse.click(x, y);
    if (shift) await page.keyboard.up("Shift");
  },
  // Presses at the first point, goes through the others, lets go at the last; one point is only
  // pointed at.
  drag: async ({ points }) => {
    const [first, ...others] = points;
    await page.mouse.move(first[0], first[1]);
    if (!others.length) return;
    await page.mouse.down();
    for (const [x, y] of others) await page.mouse.move(x, y, { steps: 8 });
    await page.mouse.up();
  },
  wheel: async ({ x, y, by }) => {
    await page.mouse.move(x, y);
    await page.mouse.wheel(0, by);
  },
  press: ({ key }) => page.keyboard.press(key),
  download: async ({ x, y, path }) => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.mouse.click(x, y)]);
    await file.saveAs(path);
    return file.suggestedFilename();
  },
  viewport: ({ width, height }) => page.setViewportSize({ width, height }),
  problems: async () => problems.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    answer = { value: (await commands[request.do](request)) ?? null };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
