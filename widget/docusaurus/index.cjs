/** The chat on every page of a Docusaurus site. */
const { existsSync, readFileSync } = require("node:fs");
const { join } = require("node:path");

const STRINGS = join(__dirname, "../dist/strings");

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

module.exports = function docchatWidget({ i18n }, options) {
  const { endpoint, heading, hotkey, selection, strings } = options;
  const attributes = {
    endpoint,
    heading,
    hotkey,
    selection: selection === false ? "off" : undefined,
    strings: JSON.stringify({ ...translated(i18n.currentLocale), ...strings }),
  };
  const preconnect = { rel: "preconnect", href: new URL(endpoint).origin };
  return {
    name: "docchat-widget",
    getClientModules: () => [join(__dirname, "client.mjs")],
    injectHtmlTags: () => ({
      headTags: [{ tagName: "link", attributes: preconnect }],
      // As text: Docusaurus takes objects for the elements of HTML alone.
      postBodyTags: [`<docs-chat${Object.entries(attributes).map(attribute).join("")}></docs-chat>`],
    }),
  };
};

module.exports.validateOptions = ({ options }) => {
  const { id: _, ...given } = options; // Docusaurus adds it
  for (const [name, value] of Object.entries({ endpoint: undefined, ...given })) {
    if (!(name in OPTIONS)) throw new Error(`docchat-widget: there is no option ${name}`);
    if (!OPTIONS[name].fits(value)) {
      throw new Error(`docchat-widget: ${name} ${OPTIONS[name].words}`);
    }
  }
  return given;
};

function attribute([name, value]) {
  if (value === undefined) return "";
  const escaped = value.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return ` ${name}="${escaped}"`;
}

/** The sentences of a locale, such as `pt-BR`; none where there is no translation. */
function translated(locale) {
  const file = join(STRINGS, `${locale.slice(0, 2)}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}

const english = () => translated("en");
