import { Api } from "./api.js";
import { Asking } from "./asking.js";
import { Conversation } from "./conversation.js";
import { currentPage, pageLanguage } from "./page.js";
import { stringsFor } from "./strings.js";
import css from "./styles.css";
import { chatView } from "./view/chat.js";

/** @import { Configuration } from "./types.js" */

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

/**
 * `<docs-chat endpoint="https://chat.example.com">`: a chat with a documentation site. Its attributes
 * are described in docs/widget.md.
 */
export class DocsChat extends HTMLElement {
  #connected = new AbortController();
  /** @type {Asking | undefined} */ #asking;
  /** @type {ReturnType<typeof chatView> | undefined} */ #view;
  /** @type {Promise<Configuration> | undefined} */ #site;

  async connectedCallback() {
    const endpoint = this.getAttribute("endpoint") ?? "";
    const api = new Api(endpoint);
    this.#asking = new Asking(api, new Conversation(endpoint), () => currentPage(this));
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    const language = new MutationObserver(() => this.#build(api, signal));
    language.observe(document.documentElement, { attributeFilter: ["lang"] });
    signal.addEventListener("abort", () => language.disconnect());
    addEventListener("keydown", (event) => this.#hotkey(event), { signal });
    await this.#build(api, signal);
    const asked = new URLSearchParams(location.search).get("ask");
    if (asked) this.open(asked);
  }

  disconnectedCallback() {
    this.#connected.abort();
    this.#asking?.stop();
  }

  /**
   * Show the chat, ready to write in.
   *
   * @param {string} [draft] a question that the visitor may send
   */
  open(draft) {
    if (this.#asking && draft) this.#asking.conversation.draft = draft;
    this.#view?.open();
  }

  /**
   * What is seen, anew in the page's language; an answer that is on its way goes on in it.
   *
   * @param {Api} api
   * @param {AbortSignal} signal
   */
  async #build(api, signal) {
    const language = this.getAttribute("language") ?? pageLanguage();
    const folder = this.getAttribute("strings-folder");
    const strings = await stringsFor(language, folder, this.getAttribute("strings"));
    if (signal.aborted || !this.#asking) return;
    const greet = async () => {
      view.greet(this.getAttribute("heading") ?? strings.launch, [], ask);
      this.#site ??= api.configuration();
      const { title = "", starter_questions: starters = [] } = await this.#site;
      const heading = title ? strings.title.replace("{site}", title) : strings.launch;
      view.greet(this.getAttribute("heading") ?? heading, starters, ask);
    };
    const { ask } = this.#asking;
    const inline = this.hasAttribute("inline");
    const selection = this.getAttribute("selection") !== "off";
    const view = chatView(this.#asking, strings, { inline, selection }, greet, signal);
    view.node.lang = language;
    this.#view = view;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.replaceChildren(view.node);
    view.reveal();
  }

  /** @param {KeyboardEvent} event */
  #hotkey(event) {
    const letter = this.getAttribute("hotkey") ?? "i";
    const isHeld = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    // In an editor the same keys may mean italics.
    const isEditor = event.target instanceof HTMLElement && event.target.isContentEditable;
    if (!isHeld || isEditor || event.key.toLowerCase() !== letter) return;
    event.preventDefault();
    this.#view?.toggle();
  }
}
