import { fetched } from "./fetched.js";
import en from "./strings/en.json";

/** @import { Problem } from "./types.js" */
/** @typedef {typeof en} Strings */

const OTHERS = ["de", "es", "fr", "ja"];
// Known only while the script is run for the first time.
const script = /** @type {HTMLScriptElement | null} */ (document.currentScript)?.src;
const BESIDE = script && new URL("strings/", script).href;

/**
 * The chat's own sentences in the page's language, or in English where that is not known.
 *
 * @param {string} language a language tag, such as `fr-CA`
 * @param {string | null} folder where the other languages' files are, if not beside the script
 * @param {string | null} own the site's wording, as JSON
 * @returns {Promise<Strings>}
 */
export async function stringsFor(language, folder, own) {
  const name = language.slice(0, 2).toLowerCase();
  const place = folder ?? BESIDE;
  const wanted = place && OTHERS.includes(name);
  const loaded = wanted ? await fetched(new URL(`${name}.json`, new URL(place, document.baseURI))) : {};
  return { ...en, ...loaded, ...JSON.parse(own ?? "{}") };
}

/** Other problems that mean the same to a visitor. @type {Record<string, string>} */
const SAME = {
  "index-unavailable": "assistant-unavailable",
  "instance-shutting-down": "upstream-truncated",
  overloaded: "upstream-busy",
  "switched-off": "assistant-unavailable",
  "upstream-timeout": "upstream-truncated",
};

/**
 * What a visitor reads about a problem: a known one in the page's language, another in the
 * server's words.
 *
 * @param {Problem} problem
 * @param {Record<string, string>} strings
 */
export const wordsFor = ({ reason, detail }, strings) =>
  strings[SAME[reason] ?? reason] ?? (detail || strings.failed);
