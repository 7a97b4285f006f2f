import { isSearch, shownText } from "../answering.js";
import { h, icon, patch } from "../dom.js";
import { leadSafely, render } from "../markdown.js";
import { wordsFor } from "../strings.js";
import { withCopying } from "./copy.js";
import { ratingView } from "./rating.js";

/** @import { Feedback, Source, Turn } from "../types.js" */
/** @import { Strings } from "../strings.js" */

/**
 * A question and its answer; `update` shows what has become of it.
 *
 * @param {Turn} turn
 * @param {Strings} strings
 * @param {() => void} retry
 * @param {(feedback: Omit<Feedback, "id">) => Promise<void>} rate
 */
export function turnView(turn, strings, retry, rate) {
  const searching = h("p", { class: "searching" }, h("i"), strings.searching);
  const text = h("div", { class: "text" });
  const sources = h("div");
  const ending = h("div");
  const asked = h("div", { class: "question" }, h("span", { class: "unseen" }, strings.you));
  if (turn.quote) asked.append(h("blockquote", {}, turn.quote));
  asked.append(turn.question);
  const node = h("article", {}, asked, searching, text, sources, ending);
  update();
  return { node, update };

  function update() {
    searching.hidden = turn.state !== "running" || turn.text !== "";
    patch(text, withCopying(render(shownText(turn), turn.sources), strings));
    patch(sources, sourcesView(turn, strings));
    if (turn.state === node.dataset.state) return;
    node.dataset.state = turn.state;
    ending.replaceChildren(...endingOf());
  }

  function endingOf() {
    if (turn.state === "running") return [];
    if (turn.state !== "done") return [troubleView(turn, strings, retry)];
    const uncited = turn.outcome === "partial" && !turn.sources.length;
    const caution = uncited ? [h("p", { class: "caution" }, strings.uncited)] : [];
    return [...caution, ratingView(turn, strings, rate)];
  }
}

/**
 * @param {Turn} turn
 * @param {Strings} strings
 */
function sourcesView({ sources, outcome }, strings) {
  if (!sources.length) return [];
  // The text of search results introduces them already.
  const look = isSearch(outcome) ? "unseen" : "";
  return [h("h3", { class: look }, strings.sources), h("ol", {}, ...sources.map(sourceView))];
}

/** @param {Source} source */
function sourceView({ n, url, title, snippet }) {
  const number = h("span", { class: "cite" }, n);
  const link = h("a", { href: url }, number, h("strong", {}, title), h("span", {}, snippet.replace(/^- |[`*]+/g, "")));
  leadSafely(link);
  return h("li", {}, link);
}

/**
 * Why there is no whole answer, and the way to ask again.
 *
 * @param {Turn} turn
 * @param {Record<string, string>} strings
 * @param {() => void} retry
 */
function troubleView({ state, problem }, strings, retry) {
  const words = problem ? wordsFor(problem, strings) : strings[state];
  const again = h("button", { type: "button", click: retry });
  countDown();
  return h("div", { class: "trouble" }, icon(state === "failed" ? "trouble" : "stop"), h("p", {}, words), again);

  function countDown() {
    const seconds = Math.ceil(((problem?.retryAt ?? 0) - Date.now()) / 1000);
    again.disabled = seconds > 0;
    again.textContent = again.disabled
      ? strings.wait.replace("{seconds}", String(seconds))
      : strings.retry;
    if (again.disabled) setTimeout(countDown, 1000);
  }
}

/**
 * What a screen reader says once the answer is there.
 *
 * @param {Element} view
 */
export function announcement(view) {
  const said = view.querySelectorAll(".text, h3, strong, .trouble p, .caution");
  return [...said].map(({ textContent }) => textContent).join(" ");
}
