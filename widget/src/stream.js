/**
 * The parts of a UI message stream, as they arrive; comments and `[DONE]` are skipped.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onSign called for every piece of the body, comments too
 * @returns {AsyncGenerator<Record<string, any>>}
 */
export async function* parts(body, onSign) {
  const decoder = new TextDecoderStream();
  const reader = body.pipeThrough(/** @type {any} */ (decoder)).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onSign();
    const events = (waiting + value).split("\n\n");
    waiting = events.pop() ?? "";
    for (const event of events) {
      if (event.startsWith("data: {")) yield JSON.parse(event.slice("data: ".length));
    }
  }
}
