/** The chat on every page of a Docusaurus site. */
const { createHash } = require("node:crypto");
const { readFileSync, readdirSync } = require("node:fs");
const { join } = require("node:path");

const NAME = "docchat-widget";
const DIST = join(__dirname, "../dist");
const PROGRAM = "docs-chat.js";

const isText = (value) => typeof value === "string" && value !== "";

/** What each option must be, and how a wrong one is told so. */
const OPTIONS = {
  endpoint: {
    words: "must be the chat's address, with https:// or http://",
    fits: (value) => isText(value) && /^https?:\/\//.test(value) && URL.canParse(value),
  },
  heading: { words: "must be text", fits: isText },
  hotkey: {
    words: 'must be one letter, or "off"',
    fits: (value) => isText(value) && /^([a-z]|off)$/.test(value),
  },
  selection: { words: "must be true or false", fits: (value) => typeof value === "boolean" },
  strings: {
    words: "must have known names, such as launch, and texts",
    fits: (value) =>
      Object.entries(Object(value)).every(([name, text]) => name in english() && isText(text)),
  },
};

module.exports = function docchatWidget({ baseUrl }, options) {
  const program = read(PROGRAM);
  const digest = createHash("sha384").update(program).digest();
  // A new program has a new address, so that caches may keep it.
  const folder = `docs-chat/${digest.toString("hex").slice(0, 12)}`;
  return {
    name: NAME,
    configureWebpack: (_config, isServer) =>
      isServer ? {} : { plugins: [{ apply: (compiler) => emit(compiler, folder) }] },
    injectHtmlTags: () => ({
      headTags: [
        {
          tagName: "script",
          attributes: {
            defer: true,
            src: `${baseUrl}${folder}/${PROGRAM}`,
            integrity: `sha384-${digest.toString("base64")}`,
            ...dataOf(options),
          },
        },
      ],
    }),
  };
};

module.exports.validateOptions = ({ options }) => {
  const { id: _, ...given } = options; // Docusaurus adds it
  for (const [name, value] of Object.entries({ endpoint: undefined, ...given })) {
    if (!(name in OPTIONS)) throw new Error(`${NAME}: there is no option ${name}`);
    if (!OPTIONS[name].fits(value)) throw new Error(`${NAME}: ${name} ${OPTIONS[name].words}`);
  }
  return given;
};

/** The options as the script's attributes. */
function dataOf({ endpoint, heading, hotkey, selection, strings }) {
  return {
    "data-endpoint": endpoint,
    ...(heading && { "data-heading": heading }),
    ...(hotkey && { "data-hotkey": hotkey }),
    ...(selection === false && { "data-selection": "off" }),
    ...(strings && { "data-strings": JSON.stringify(strings) }),
  };
}

/**
 * The built files among the site's own, byte for byte: a bundler that translates them for old
 * browsers makes them larger, and wrong.
 */
function emit(compiler, folder) {
  const { Compilation, sources } = compiler.webpack;
  const stage = Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL;
  compiler.hooks.thisCompilation.tap(NAME, (compilation) => {
    compilation.hooks.processAssets.tap({ name: NAME, stage }, () => {
      for (const file of files()) {
        const source = new sources.RawSource(read(file));
        compilation.emitAsset(`${folder}/${file}`, source, { minimized: true });
      }
    });
  });
}

const files = () => [PROGRAM, ...readdirSync(join(DIST, "strings")).map((name) => `strings/${name}`)];

const read = (file) => readFileSync(join(DIST, file), "utf8");

const english = () => JSON.parse(read("strings/en.json"));
