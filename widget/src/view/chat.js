import { button, h } from "../dom.js";
import { composerView } from "./composer.js";
import { panelView } from "./panel.js";
import { selectedText, selectionView } from "./selection.js";
import { announcement, turnView } from "./turn.js";

/** @import { Asking } from "../asking.js" */
/** @import { Strings } from "../strings.js" */
/** @import { Turn } from "../types.js" */

// From here on there is room for a panel beside the page.
const wide = matchMedia("(min-width: 521px)");

/**
 * The whole chat, as the conversation stands, and what becomes of it.
 *
 * @param {Asking} asking
 * @param {Strings} strings
 * @param {{ inline: boolean, selection: boolean }} options
 * @param {() => void} onOpen
 * @param {AbortSignal} signal ends the listeners on the page
 */
export function chatView(asking, strings, { inline, selection }, onOpen, signal) {
  const { conversation } = asking;
  const composer = composerView(conversation, strings, asking.ask, asking.stop);
  const panel = panelView(inline ? "section" : "dialog", strings, composer.node, fresh, close);
  const dialog = panel.node instanceof HTMLDialogElement ? panel.node : undefined;
  const launcher = button("chat", strings.launch, () => open(), "launcher");
  const node = h("div", { class: "chat" }, panel.node);
  /** @type {Map<Turn, ReturnType<typeof turnView>>} */
  const views = new Map();

  if (dialog) {
    node.append(launcher);
    if (selection) node.append(selectionView(strings, open, signal));
    dialog.addEventListener("close", closed);
    dialog.addEventListener("keydown", escape);
  }
  conversation.turns.forEach(view);
  asking.onChange = changed;
  update();
  return { node, open, reveal, toggle, greet: panel.greet };

  /**
   * Ready to write in.
   *
   * @param {string} [quote] what the next question is about
   */
  function open(quote = "") {
    if (quote) conversation.quote = quote;
    // Beside the page it leaves the page usable; over all of it, it must not.
    if (!dialog?.open) wide.matches ? dialog?.show() : dialog?.showModal();
    update();
    revealed();
    composer.field.focus();
  }

  /** As the visitor left it; a panel over a whole small screen would hide the page gone to. */
  function reveal() {
    if (dialog) dialog.open = conversation.open && wide.matches;
    if (!dialog || dialog.open) revealed();
  }

  function revealed() {
    if (dialog) conversation.open = true;
    conversation.save();
    panel.toLast();
    onOpen();
  }

  function close() {
    dialog?.close();
  }

  function closed() {
    conversation.open = false;
    conversation.save();
    // The browser gives the focus back to where it was; nowhere is no place.
    if (document.activeElement === document.body) launcher.focus();
  }

  /** The keyboard's way in and out. */
  function toggle() {
    if (node.matches(":focus-within")) close();
    else open(selectedText());
  }

  /** @param {KeyboardEvent} event */
  function escape(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    close();
  }

  function fresh() {
    asking.stop();
    conversation.turns = [];
    conversation.save();
    for (const { node } of views.values()) node.remove();
    views.clear();
    update();
    composer.field.focus();
  }

  /** @param {Turn} turn */
  function view(turn) {
    const made = turnView(
      turn,
      strings,
      () => asking.retry(turn),
      (feedback) => asking.rate(turn, feedback),
    );
    views.set(turn, made);
    panel.log.append(made.node);
    return made;
  }

  /** @param {Turn} turn */
  function changed(turn) {
    const wasRunning = panel.log.ariaBusy === "true";
    const isNew = !views.has(turn);
    // A turn that is gone belonged to a conversation that the visitor has left.
    const shown = conversation.turns.includes(turn) ? (views.get(turn) ?? view(turn)) : undefined;
    if (shown) panel.follow(shown.update);
    if (wasRunning === asking.isRunning) return;
    update();
    panel.status.textContent = shown && wasRunning ? announcement(shown.node) : "";
    if (isNew) panel.toLast();
  }

  function update() {
    composer.update(asking.isRunning);
    panel.log.ariaBusy = String(asking.isRunning);
    panel.welcome.hidden = conversation.turns.length > 0;
  }
}
