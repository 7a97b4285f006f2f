/**
 * The one-line embedding: an element with the script's `data-*` as attributes, at the page's end.
 * A script without `data-endpoint` only defines the element.
 *
 * @param {HTMLScriptElement} script
 */
export function mount({ dataset, src }) {
  if (!dataset.endpoint) return;
  const chat = document.createElement("docs-chat");
  chat.setAttribute("strings-folder", new URL("strings/", src).href);
  for (const name in dataset) chat.setAttribute(name, dataset[name] ?? "");
  document.body.append(chat);
}
