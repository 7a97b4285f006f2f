import { follow, restart } from "./answering.js";
import { perFrame } from "./dom.js";

/** @import { Api } from "./api.js" */
/** @import { Conversation } from "./conversation.js" */
/** @import { Page, Turn } from "./types.js" */

/** A conversation that goes on: one question at a time. */
export class Asking {
  #api;
  #page;
  /** @type {AbortController | undefined} */
  #running;
  /** Called with a turn that is new, has changed or has ended. @type {(turn: Turn) => void} */
  onChange = () => {};

  /**
   * @param {Api} api
   * @param {Conversation} conversation
   * @param {() => Page} page the page that is open
   */
  constructor(api, conversation, page) {
    this.#api = api;
    this.#page = page;
    this.conversation = conversation;
  }

  /** Whether an answer is on its way. */
  get isRunning() {
    return this.#running !== undefined;
  }

  /**
   * Ask, unless an answer is on its way.
   *
   * @param {string} question
   */
  ask = (question) => this.isRunning || this.#answer(this.conversation.add(question));

  /** @param {Turn} turn */
  retry(turn) {
    if (this.isRunning) return;
    restart(turn);
    void this.#answer(turn);
  }

  /** End the answer that is on its way; what there is of it stays. */
  stop = () => this.#running?.abort();

  /**
   * @param {Turn} turn
   * @param {{ thumb: "up" | "down", reason?: string }} feedback
   */
  async rate(turn, feedback) {
    await this.#api.feedback({ id: turn.id ?? "", ...feedback });
    turn.thumb = feedback.thumb;
    this.conversation.save();
  }

  /** @param {Turn} turn */
  async #answer(turn) {
    const { signal } = (this.#running = new AbortController());
    this.#changed(turn);
    const messages = this.conversation.messages(turn);
    const parts = this.#api.ask(messages, this.#page(), signal);
    try {
      await follow(turn, parts, signal, perFrame(() => this.onChange(turn)));
    } finally {
      this.#running = undefined;
      this.#changed(turn);
    }
  }

  /** @param {Turn} turn */
  #changed(turn) {
    this.conversation.save();
    this.onChange(turn);
  }
}
