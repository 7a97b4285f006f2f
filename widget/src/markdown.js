import DOMPurify from "dompurify";
import { Marked } from "marked";

/** @import { Source } from "./types.js" */

const TAGS =
  "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre strong sup table tbody td th thead tr ul";
const SAFE = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ["align", "class", "href", "start"],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  ALLOWED_URI_REGEXP: /^https?:/,
  RETURN_DOM_FRAGMENT: /** @type {const} */ (true),
};

/**
 * An answer as nodes in which nothing loads, runs or leads anywhere but to http and https.
 *
 * @param {string} text Markdown; HTML in it is shown as it is written
 * @param {Source[]} sources citations of these become links
 */
export function render(text, sources) {
  const html = /** @type {string} */ (parser(sources).parse(text));
  const fragment = DOMPurify.sanitize(html, SAFE);
  for (const link of fragment.querySelectorAll("a")) leadSafely(link);
  return fragment;
}

/** @param {Source[]} sources */
function parser(sources) {
  return new Marked({
    extensions: [
      {
        name: "citation",
        level: "inline",
        start: (/** @type {string} */ rest) => rest.indexOf("["),
        tokenizer(rest) {
          const [raw, n] = /^\[(\d{1,3})\]/.exec(rest) ?? [];
          const source = sources.find((one) => one.n === n);
          return source && raw ? { type: "citation", raw, source } : undefined;
        },
        renderer: ({ source }) =>
          `<sup><a class="cite" href="${escaped(source.url)}">${source.n}</a></sup>`,
      },
    ],
    // There is no HTML: what looks like it is text, and hides nothing that follows.
    tokenizer: { html: () => undefined, tag: () => undefined },
    renderer: {
      image: ({ text }) => escaped(text),
    },
  });
}

/** @param {string} text */
const escaped = (text) =>
  text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * Within the site in this tab, elsewhere in another one that knows nothing of this one.
 *
 * @param {HTMLAnchorElement} link
 */
export function leadSafely(link) {
  if (link.origin === location.origin) return;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
