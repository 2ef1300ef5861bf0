// Builds what ComfyUI loads, web/, out of the TypeScript sources.
//
//   src/NAME.ts      -> web/NAME.js       an entry: ComfyUI loads every web/**/*.js at start
//   src/lib/NAME.ts  -> web/lib/NAME.mjs  shared by several entries, or loaded when needed
//
// Whatever else an entry imports is bundled into it. A module of lib/ stays a file of its own
// (one instance for all who import it), and ComfyUI's own modules stay the server's.
//
//   node build.mjs [FOLDER]   writes to FOLDER, otherwise to ../web
//   node build.mjs --check    says which built files do not fit the sources, and fails

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const library = join(source, "lib");
const web = resolve(here, "..", "web");

const sources = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .sort()
    .map((name) => join(folder, name));

/** Leaves modules of src/lib as files of their own. */
const separateLibrary = (from) => ({
  name: "separate-library",
  setup(building) {
    building.onResolve({ filter: /^\.{1,2}\// }, ({ path, importer, kind }) => {
      if (kind === "entry-point") return null;
      const target = resolve(dirname(importer), path);
      if (dirname(target) !== library) return null;
      const name = `${basename(target).replace(/\.ts$/, "")}.mjs`;
      return { path: `${from}${name}`, external: true };
    });
  },
});

/** ComfyUI's own modules, at the places where its server has them. */
const comfyui = ["../../scripts/app.js", "../../scripts/api.js"];

async function compile(entries, folder, extension, fromLibrary, minify) {
  await build({
    absWorkingDir: here,
    entryPoints: entries,
    outdir: folder,
    outExtension: { ".js": extension },
    bundle: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    legalComments: "inline",
    banner: { js: "// Built from frontend/src by `make web`; change it there." },
    external: comfyui,
    plugins: [separateLibrary(fromLibrary)],
    loader: { ".css": "text" },
    logLevel: "warning",
    minify,
  });
}

/** Writes all built files into the folder; what else lies there stays. */
async function buildInto(folder) {
  mkdirSync(join(folder, "lib"), { recursive: true });
  const libraries = sources(library);
  const vendored = libraries.filter((path) => basename(path) === "three.ts");
  const ours = libraries.filter((path) => !vendored.includes(path));
  await compile(sources(source), folder, ".js", "./lib/", false);
  await compile(ours, join(folder, "lib"), ".mjs", "./", false);
  await compile(vendored, join(folder, "lib"), ".mjs", "./", true);
  copyFileSync(
    join(here, "node_modules", "three", "LICENSE"),
    join(folder, "lib", "three.LICENSE.txt"),
  );
}

/** Paths of the built files below a web folder, "/" between the parts. */
function builtFiles(folder) {
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
  return names
    .map((name) => name.split(sep).join("/"))
    .filter((name) => /\.m?js$/.test(name) || name.startsWith("lib/"))
    .sort();
}

async function check() {
  const folder = mkdtempSync(join(tmpdir(), "cast-web-"));
  try {
    await buildInto(folder);
    const [wanted, found] = [builtFiles(folder), builtFiles(web)];
    const differ = wanted.filter(
      (name) => !found.includes(name) || !readFileSync(join(folder, name)).equals(readFileSync(join(web, name))),
    );
    const orphans = found.filter((name) => !wanted.includes(name));
    for (const name of differ) console.error(`web/${name} does not fit its source: run make web`);
    for (const name of orphans) console.error(`web/${name} has no source in frontend/src: remove it`);
    return differ.length + orphans.length === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [argument] = process.argv.slice(2);
if (argument === "--check") process.exit((await check()) ? 0 : 1);
const folder = argument ? resolve(argument) : web;
const before = builtFiles(folder);
const started = Date.now() - 1000; // clocks of file systems are coarse
await buildInto(folder);
for (const name of before)
  if (statSync(join(folder, name)).mtimeMs < started) rmSync(join(folder, name)); // its source is gone
console.log(builtFiles(folder).map((name) => `${relative(process.cwd(), folder)}/${name}`).join("\n"));
