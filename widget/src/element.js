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
  #built = new AbortController();
  /** @type {Asking | undefined} */ #asking;
  /** @type {ReturnType<typeof chatView> | undefined} */ #view;
  /** @type {Promise<Configuration> | undefined} */ #site;

  async connectedCallback() {
    const endpoint = this.getAttribute("endpoint") ?? "";
    const api = new Api(endpoint);
    this.#asking = new Asking(api, new Conversation(endpoint), () => currentPage(this));
    await this.#build(api, this.#asking);
    const asked = new URLSearchParams(location.search).get("ask");
    if (asked) this.open(asked);
  }

  disconnectedCallback() {
    this.#built.abort();
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
   * @param {Asking} asking
   */
  async #build(api, asking) {
    this.#built.abort();
    const { signal } = (this.#built = new AbortController());
    const observer = new MutationObserver(() => this.#build(api, asking));
    observer.observe(document.documentElement, { attributeFilter: ["lang"] });
    signal.onabort = () => observer.disconnect();
    addEventListener("keydown", (event) => this.#hotkey(event), { signal });
    const language = this.getAttribute("language") ?? pageLanguage();
    const folder = this.getAttribute("strings-folder");
    const strings = await stringsFor(language, folder, this.getAttribute("strings"));
    if (signal.aborted) return;
    const inline = this.hasAttribute("inline");
    const selection = this.getAttribute("selection") !== "off";
    const greet = (/** @type {Configuration} */ { title, starter_questions: starters }) => {
      const heading = title ? strings.title.replace("{site}", title) : strings.launch;
      view.greet(this.getAttribute("heading") ?? heading, starters ?? [], asking.ask);
    };
    const onOpen = async () => {
      greet({});
      greet(await (this.#site ??= api.configuration()));
    };
    const view = chatView(asking, strings, { inline, selection }, onOpen, signal);
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
