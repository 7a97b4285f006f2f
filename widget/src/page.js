/** @import { Page } from "./types.js" */

// What the server takes for a name; anything else would have the question refused.
const NAME = /^[\w.+ -]{1,100}$/;

/**
 * The page that is open; a single-page site changes it without loading another document.
 *
 * @param {Element} chat its `version` and `locale` win
 * @returns {Page}
 */
export function currentPage(chat) {
  const { origin, pathname } = location;
  return { url: origin + pathname, version: named(chat, "version"), locale: named(chat, "locale") };
}

/** The page's language. */
export const pageLanguage = () => document.documentElement.lang;

/**
 * @param {Element} chat
 * @param {"version" | "locale"} name
 */
function named(chat, name) {
  /** @type {HTMLMetaElement | null} */
  const meta = document.querySelector(`meta[name=docusaurus_${name}]`);
  const fallback = name === "locale" ? pageLanguage() : "";
  const value = chat.getAttribute(name) ?? meta?.content ?? fallback;
  return NAME.test(value) ? value : undefined;
}
