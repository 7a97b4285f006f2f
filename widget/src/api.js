import { fetched } from "./fetched.js";
import { parts } from "./stream.js";

/** @import { Configuration, Feedback, Page, Problem } from "./types.js" */

// The server's own limit for an answer is 55 s, and its streams are never silent for longer than 10 s.
const SILENCE_MS = 60_000;
const TYPE_PREFIX = "urn:docchat:problem:";

/** The visitor can be told why. */
export class Failure extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.reason);
    this.problem = problem;
  }
}

/** The chat function, at its address. */
export class Api {
  #base;

  /** @param {string} endpoint */
  constructor(endpoint) {
    this.#base = endpoint.replace(/\/+$/, "");
  }

  /** @returns {Promise<Configuration>} */
  configuration() {
    return fetched(`${this.#base}/chat`);
  }

  /**
   * The parts of an answer, up to and with its `finish`. Throws a Failure when it fails, and the
   * signal's reason when that is aborted.
   *
   * @param {{ role: string, content: string }[]} messages
   * @param {Page} page
   * @param {AbortSignal} signal
   */
  async *ask(messages, page, signal) {
    const silence = new AbortController();
    let timer = 0;
    const onSign = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
    };
    onSign();
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const response = await this.#post("/chat", { messages, page }, either);
      if (!response.ok || !response.body) throw await refusal(response);
      for await (const part of parts(response.body, onSign)) {
        if (part.type === "error") throw new Failure(problemOf(JSON.parse(part.errorText)));
        yield part;
        if (part.type === "finish") return;
      }
      throw failure("upstream-truncated");
    } catch (error) {
      if (signal.aborted || error instanceof Failure) throw error;
      throw failure(navigator.onLine ? "unreachable" : "offline");
    } finally {
      clearTimeout(timer);
      silence.abort(); // lets go of a connection whose reader has left early
    }
  }

  /** @param {Feedback} feedback */
  async feedback(feedback) {
    const response = await this.#post("/feedback", feedback);
    if (!response.ok) throw new Error(`feedback: ${response.status}`);
  }

  /**
   * @param {string} path
   * @param {object} body
   * @param {AbortSignal} [signal]
   */
  #post(path, body, signal) {
    return fetch(this.#base + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream, application/json" },
      body: JSON.stringify(body),
      signal,
    });
  }
}

/** @param {Response} response */
async function refusal(response) {
  // A proxy on the way may answer with anything.
  const said = await response.json().catch(() => ({}));
  return new Failure(problemOf(said, Number(response.headers.get("Retry-After"))));
}

/** @param {string} reason */
const failure = (reason) => new Failure(problemOf({ type: reason }));

/**
 * @param {Record<string, any>} said problem details
 * @param {number} [retryAfterS]
 * @returns {Problem}
 */
function problemOf(said, retryAfterS = 0) {
  const waitS = retryAfterS || Number(said.retry_after_s) || 0;
  return {
    reason: String(said.type ?? "").replace(TYPE_PREFIX, ""),
    detail: String(said.detail ?? ""),
    retryAt: Date.now() + waitS * 1000,
  };
}
