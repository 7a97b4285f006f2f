import en from "./strings/en.json";

/** @import { Problem } from "./types.js" */
/** @typedef {typeof en} Strings */

const OTHERS = ["de", "es", "fr", "ja"];

/**
 * The chat's own sentences in the page's language, or in English where that is not known.
 *
 * @param {string} language a language tag, such as `fr-CA`
 * @param {string | null} folder where the other languages' files are
 * @param {string | null} own the site's wording, as JSON
 * @returns {Promise<Strings>}
 */
export async function stringsFor(language, folder, own) {
  const name = language.slice(0, 2).toLowerCase();
  const wanted = folder !== null && OTHERS.includes(name);
  const loaded = wanted ? await fetched(new URL(`${name}.json`, folder)) : {};
  return { ...en, ...loaded, ...JSON.parse(own ?? "{}") };
}

/** @param {URL} url */
async function fetched(url) {
  const response = await fetch(url).catch(() => undefined);
  return response?.ok ? response.json() : {};
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
