import { button, h, icon } from "../dom.js";

/** @import { Conversation } from "../conversation.js" */
/** @import { Strings } from "../strings.js" */

// The server takes 4,000 characters, a quotation of 500 among them.
const MOST_CHARS = 3_400;

/**
 * Where the visitor writes. Its one button sends, and stops what was sent.
 *
 * @param {Conversation} conversation
 * @param {Strings} strings
 * @param {(question: string) => void} ask
 * @param {() => void} stop
 */
export function composerView(conversation, strings, ask, stop) {
  const label = strings.placeholder;
  const field = h("textarea", {
    rows: 1,
    maxlength: MOST_CHARS,
    "aria-label": label,
    placeholder: label,
    input: () => {
      conversation.draft = field.value;
      conversation.save();
    },
    keydown: (/** @type {KeyboardEvent} */ event) => {
      // Enter also ends the composition of Japanese and Chinese words.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      if (!running) send();
    },
  });
  const quotation = h("div");
  const act = button("send", strings.send, () => (running ? stop() : send()));
  let running = false;
  return { node: h("div", { class: "composer" }, quotation, h("div", { class: "field" }, field, act)), field, update };

  function send() {
    const question = field.value.trim();
    if (question) ask(question);
  }

  /** @param {boolean} isRunning */
  function update(isRunning) {
    running = isRunning;
    const name = running ? "stop" : "send";
    act.ariaLabel = act.title = strings[name];
    act.replaceChildren(icon(name));
    field.value = conversation.draft;
    const { quote } = conversation;
    quotation.replaceChildren(...(quote ? [h("blockquote", {}, quote), button("close", strings.close, drop)] : []));
  }

  function drop() {
    conversation.quote = "";
    conversation.save();
    update(running);
    field.focus();
  }
}
