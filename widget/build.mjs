/**
 * Builds the file that a site includes, its translations and licences beside it; prints its size
 * and its integrity hash.
 *
 *     node build.mjs [folder]     default: dist
 *
 * Fails when the file is larger than a reader of documentation should have to load.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";
import { minify } from "terser";

const HERE = dirname(fileURLToPath(import.meta.url));
const LIBRARIES = { marked: "LICENSE", dompurify: "LICENSE" };
const MOST_BYTES = { whole: 35 * 1024, own: 9 * 1024 };
const NOTICE = "/*! docs-chat, Apache-2.0; marked and DOMPurify: see LICENSES.txt */\n";

/** Style sheets become text without what only their writers need. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      const { code } = await transform(css, { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** The program as text; esbuild bundles, terser makes it a kilobyte smaller than esbuild does. */
async function bundle(options) {
  const { outputFiles } = await build({
    absWorkingDir: HERE,
    entryPoints: ["src/index.js"],
    bundle: true,
    write: false,
    target: ["chrome123", "firefox128", "safari17.5"],
    charset: "utf8",
    legalComments: "none",
    minify: true,
    plugins: [styles],
    ...options,
  });
  const { code } = await minify(outputFiles[0].text, {
    compress: { passes: 3, ecma: 2020, keep_fargs: false, pure_getters: true },
    module: options.format === "esm",
  });
  return code;
}

/** Bytes as a server with gzip sends them. */
const zipped = (text) => gzipSync(text, { level: 9 }).length;

const licences = Object.entries(LIBRARIES).map(async ([name, file]) => {
  const text = await readFile(join(HERE, "node_modules", name, file), "utf8");
  return `${name}\n\n${text}`;
});

const folder = process.argv[2] ?? join(HERE, "dist");
const whole = NOTICE + (await bundle({ format: "iife" }));
const own = await bundle({ format: "esm", external: Object.keys(LIBRARIES) });
await mkdir(folder, { recursive: true });
await writeFile(join(folder, "docs-chat.js"), whole);
await writeFile(join(folder, "LICENSES.txt"), (await Promise.all(licences)).join("\n\n"));
await cp(join(HERE, "src/strings"), join(folder, "strings"), { recursive: true });

const bytes = { whole: zipped(whole), own: zipped(own) };
const integrity = `sha384-${createHash("sha384").update(whole).digest("base64")}`;
console.log(JSON.stringify({ bytes, limits: MOST_BYTES, integrity }, null, 2));
if (bytes.whole > MOST_BYTES.whole || bytes.own > MOST_BYTES.own) {
  console.error("docs-chat.js is over its limit");
  process.exitCode = 1;
}
