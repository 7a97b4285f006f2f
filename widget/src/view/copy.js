import { button, icon } from "../dom.js";

/** @import { Strings } from "../strings.js" */

const SHOWN_MS = 1_500;

/**
 * Above every block of code its language and a button that copies it. The button has no listener
 * of its own, so that a block that has not changed is an equal node.
 *
 * @param {DocumentFragment} fragment
 * @param {Strings} strings
 */
export function withCopying(fragment, strings) {
  for (const pre of fragment.querySelectorAll("pre")) {
    pre.tabIndex = 0; // it scrolls sideways, and a keyboard has to reach that
    pre.before(button("copy", strings.copy, () => {}, "copy"));
  }
  return [...fragment.childNodes];
}

/**
 * @param {Event} event a click anywhere in the conversation
 * @param {Strings} strings
 */
export async function copyClicked({ target }, strings) {
  const copy = /** @type {Element} */ (target).closest(".copy");
  if (!copy) return;
  await navigator.clipboard.writeText(copy.nextElementSibling?.textContent ?? "");
  copy.replaceChildren(icon("check"), strings.copied);
  setTimeout(() => copy.replaceChildren(icon("copy"), strings.copy), SHOWN_MS);
}
