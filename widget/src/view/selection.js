import { button } from "../dom.js";

/** @import { Strings } from "../strings.js" */

const MOST_CHARS = 500;
const GAP_PX = 8;

/** What the visitor has selected on the page, in one line; the chat's own text does not count. */
export function selectedText() {
  return String(getSelection()).replace(/\s+/g, " ").trim().slice(0, MOST_CHARS).toWellFormed();
}

/**
 * A button that stands under selected text and asks about it.
 *
 * @param {Strings} strings
 * @param {(quote: string) => void} ask
 * @param {AbortSignal} signal
 */
export function selectionView(strings, ask, signal) {
  const about = button("chat", strings.about, () => ask(selectedText()), "about");
  const hide = () => {
    about.hidden = true;
  };
  hide();
  // A press would take the selection away before the click.
  about.addEventListener("pointerdown", (event) => event.preventDefault());
  addEventListener("scroll", hide, { signal });
  document.addEventListener("selectionchange", hide, { signal });
  // The selection is not complete before the pointer is let go, and not gone before that is over.
  document.addEventListener("pointerup", () => setTimeout(show), { signal });
  return about;

  function show() {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !selectedText()) return;
    const { left, bottom } = selection.getRangeAt(0).getBoundingClientRect();
    about.hidden = false;
    about.style.left = `${Math.min(left, innerWidth - about.offsetWidth - GAP_PX)}px`;
    about.style.top = `${Math.min(bottom, innerHeight - about.offsetHeight - GAP_PX)}px`;
  }
}
