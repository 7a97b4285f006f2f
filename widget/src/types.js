/**
 * @typedef {object} Source
 * @property {string} n the number in the text
 * @property {string} url http or https
 * @property {string} title
 * @property {string} snippet
 */

/**
 * Why there is no answer, or not all of it.
 *
 * @typedef {object} Problem
 * @property {string} reason a problem type of docs/errors.md, or `offline`, `unreachable`
 * @property {string} detail the server's sentence, if it gave one
 * @property {number} retryAt milliseconds since 1970; before that, asking again is refused
 */

/**
 * A question and what became of it.
 *
 * @typedef {object} Turn
 * @property {string} question
 * @property {string} quote what the visitor had selected on the page
 * @property {"running" | "done" | "stopped" | "failed"} state
 * @property {string} text the answer so far, in Markdown
 * @property {Source[]} sources
 * @property {string} [id] the answer's, for feedback
 * @property {string} [outcome]
 * @property {Problem} [problem]
 * @property {"up" | "down"} [thumb]
 */

/** @typedef {{ url: string, version?: string, locale?: string }} Page */

/** @typedef {{ title?: string, starter_questions?: string[], limits?: { message_characters?: number } }} Configuration */

/** @typedef {{ id: string, thumb: "up" | "down", reason?: string, text?: string }} Feedback */

export {};
