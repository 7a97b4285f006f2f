import { button, h, icon } from "../dom.js";
import { copyClicked } from "./copy.js";

/** @import { Strings } from "../strings.js" */

// Nearer to the end than this, the visitor follows the answer.
const NEAR_PX = 80;
const GAP_PX = 16;

/**
 * The frame around the conversation: a dialog over the page, or a section in it.
 *
 * @param {"dialog" | "section"} tag
 * @param {Strings} strings
 * @param {HTMLElement} composer
 * @param {() => void} fresh
 * @param {() => void} close
 */
export function panelView(tag, strings, composer, fresh, close) {
  const title = h("h2", { id: "title" });
  const welcome = h("div", { class: "welcome" });
  // The log says nothing by itself: it would read out every piece of an answer.
  const log = h(
    "div",
    { role: "log", "aria-live": "off", "aria-labelledby": "title", tabindex: 0, click },
    welcome,
  );
  const status = h("p", { class: "unseen", role: "status" });
  const header = h("header", {}, icon("chat"), title, button("fresh", strings.fresh, fresh));
  if (tag === "dialog") header.append(button("close", strings.close, close));
  const disclosure = h("p", { class: "disclosure" }, strings.disclosure);
  const node = h(tag, { "aria-labelledby": "title" }, header, log, composer, disclosure, status);
  return { node, log, welcome, status, follow, toLast, greet };

  /** @param {Event} event */
  function click(event) {
    void copyClicked(event, strings);
  }

  /**
   * Follow an answer that grows until its question is at the top: from there it is read. Who has
   * gone elsewhere stays there.
   *
   * @param {() => void} change
   */
  function follow(change) {
    const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    change();
    if (isNear) toLast();
  }

  function toLast() {
    const last = /** @type {HTMLElement} */ (log.lastChild);
    log.scrollTop = Math.max(log.scrollTop, last.offsetTop - GAP_PX);
  }

  /**
   * @param {string} heading
   * @param {string[]} starters
   * @param {(question: string) => void} ask
   */
  function greet(heading, starters, ask) {
    title.textContent = heading;
    const questions = starters.map((question) =>
      h("button", { type: "button", click: () => ask(question) }, question),
    );
    welcome.replaceChildren(h("h3", {}, strings.greeting), ...questions);
  }
}
