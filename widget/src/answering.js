import { Failure } from "./api.js";

/** @import { Turn } from "./types.js" */

/**
 * Let a turn follow its answer's parts to the end, whatever that is. Throws what nobody foresaw.
 *
 * @param {Turn} turn
 * @param {AsyncIterable<Record<string, any>>} parts
 * @param {AbortSignal} signal aborted when the visitor stops the answer
 * @param {() => void} onChange
 */
export async function follow(turn, parts, signal, onChange) {
  try {
    for await (const part of parts) {
      take(turn, part);
      onChange();
    }
    turn.state = "done";
  } catch (error) {
    turn.state = signal.aborted ? "stopped" : "failed";
    if (error instanceof Failure) turn.problem = error.problem;
    else if (!signal.aborted) throw error;
    if (turn.problem?.reason === "content-filtered") forget(turn);
  }
}

/**
 * As if the question had just been asked.
 *
 * @param {Turn} turn
 */
export function restart(turn) {
  forget(turn);
  turn.state = "running";
  turn.id = turn.outcome = turn.problem = turn.thumb = undefined;
}

/** @param {Turn} turn */
function forget(turn) {
  turn.text = "";
  turn.sources = [];
}

/**
 * @param {Turn} turn
 * @param {Record<string, any>} part
 */
function take(turn, part) {
  if (part.type === "start") turn.id = part.messageId;
  if (part.type === "text-delta") turn.text += part.delta;
  if (part.type === "finish") turn.outcome = part.messageMetadata.outcome;
  const url = part.type === "source-url" && URL.canParse(part.url) && new URL(part.url).href;
  if (url && /^https?:/.test(url)) {
    const { sourceId: n, title } = part;
    turn.sources.push({ n, url, title, snippet: part.providerMetadata?.docchat?.snippet ?? "" });
  }
}

/**
 * Without the list of places where the sources say the same with more.
 *
 * @param {Turn} turn
 */
export function shownText({ text, outcome, sources }) {
  const list = isSearch(outcome) && sources.length ? text.lastIndexOf("\n\n- ") : -1;
  return list < 0 ? text : text.slice(0, list);
}

/** @param {string} [outcome] */
export const isSearch = (outcome) => outcome === "not_found" || outcome === "degraded";
