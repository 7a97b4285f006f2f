/**
 * The one-line embedding: an element with the script's `data-…` as attributes, at the page's end.
 * A script without `data-endpoint` only defines the element.
 *
 * @param {HTMLScriptElement} script
 */
export function mount({ attributes, dataset }) {
  if (!dataset.endpoint) return;
  const chat = document.createElement("docs-chat");
  for (const { name, value } of attributes) {
    if (name.startsWith("data-")) chat.setAttribute(name.slice("data-".length), value);
  }
  document.body.append(chat);
}
