import { DocsChat } from "./element.js";
import { mount } from "./mount.js";

// A page may include the file twice; the first one wins.
if (!customElements.get("docs-chat")) {
  customElements.define("docs-chat", DocsChat);
  if (document.currentScript instanceof HTMLScriptElement) mount(document.currentScript);
}
