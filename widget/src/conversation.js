/** @import { Turn } from "./types.js" */

// The server gives its model the latest 4,000 characters; a body must stay under 64 KiB in any script.
const HISTORY_CHARS = 8_000;
const ANSWER_CHARS = 4_000;
const MOST_TURNS = 10;
// Far below what a tab may store.
const MOST_KEPT = 50;

/**
 * What the visitor has said and read, kept for this tab alone.
 */
export class Conversation {
  #key;
  /** @type {Turn[]} */
  turns = [];
  draft = "";
  quote = "";
  open = false;

  /** @param {string} name tells the chats of one origin apart */
  constructor(name) {
    this.#key = `docs-chat ${name}`;
    Object.assign(this, JSON.parse(storage()?.getItem(this.#key) ?? "{}"));
    // The page was left in the middle of an answer.
    for (const turn of this.turns) if (turn.state === "running") turn.state = "stopped";
  }

  save() {
    const kept = { ...this, turns: this.turns.slice(-MOST_KEPT) };
    storage()?.setItem(this.#key, JSON.stringify(kept));
  }

  /** @param {string} question */
  add(question) {
    /** @type {Turn} */
    const turn = { question, quote: this.quote, state: "running", text: "", sources: [] };
    this.turns.push(turn);
    this.draft = this.quote = "";
    return turn;
  }

  /**
   * The messages that ask this turn's question, with as much of the turns before it as helps.
   *
   * @param {Turn} turn
   */
  messages(turn) {
    const messages = [user(turn)];
    let chars = 0;
    const earlier = this.turns.slice(0, this.turns.indexOf(turn)).reverse();
    for (const past of earlier.filter(({ text }) => text).slice(0, MOST_TURNS)) {
      const answer = past.text.slice(0, ANSWER_CHARS).toWellFormed(); // no half of an emoji
      chars += past.question.length + past.quote.length + answer.length;
      if (chars > HISTORY_CHARS) break;
      messages.unshift(user(past), { role: "assistant", content: answer });
    }
    return messages;
  }
}

/** @param {Turn} turn */
function user({ question, quote }) {
  const quoted = quote ? `> ${quote.replaceAll("\n", "\n> ")}\n\n` : "";
  return { role: "user", content: quoted + question };
}

/** Nothing where the visitor's browser forbids it: the chat then lasts as long as the page. */
function storage() {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
