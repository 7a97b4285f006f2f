/**
 * An element. Functions become listeners.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {any} */ (value));
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Strokes in a field of 24 by 24. */
const PATHS = {
  check: "M5 12l5 5 9-10",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  chat: "M4 5h16v11h-8l-5 4v-4H4zM12 7l1 2 2 1-2 1-1 2-1-2-2-1 2-1z",
  down: "M17 14V4h3v10h-3l-4 7q-3 0-2-6H4l2-11h11",
  fresh: "M12 20h8M15 6l3 3L8 19l-4 1 1-4z",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  trouble: "M12 8v5M12 16v.1M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18",
  up: "M7 10v10H4V10h3l4-7q3 0 2 6h7l-2 11H7",
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const [svg, path] = ["svg", "path"].map((tag) =>
    document.createElementNS("http://www.w3.org/2000/svg", tag),
  );
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with a picture and words.
 *
 * @param {keyof typeof PATHS} name
 * @param {string} words
 * @param {() => void} click
 * @param {string} look its class; `icon` shows the words to screen readers and as a hint alone
 */
export function button(name, words, click, look = "icon") {
  const isIcon = look === "icon";
  const named = isIcon ? { "aria-label": words, title: words } : {};
  const shown = isIcon ? [] : [words];
  return h("button", { type: "button", class: look, click, ...named }, icon(name), ...shown);
}

/**
 * Give a node these children and leave alone those that it has already, so that a selection or a
 * focus in what has not changed survives the next piece of an answer.
 *
 * @param {Element} node
 * @param {ChildNode[]} wanted
 */
export function patch(node, wanted) {
  let same = 0;
  while (wanted[same] && node.childNodes[same]?.isEqualNode(wanted[same])) same++;
  while (node.childNodes.length > same) node.lastChild?.remove();
  node.append(...wanted.slice(same));
}

/**
 * The function, called at most once a frame.
 *
 * @param {() => void} change
 */
export function perFrame(change) {
  let frame = 0;
  return () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(change);
  };
}
