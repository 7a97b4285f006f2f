import type strings = require("../dist/strings/en.json");

/** Puts the chat on every page of a Docusaurus site. */
declare function docchatWidget(
  context: { baseUrl: string },
  options: docchatWidget.Options,
): {
  name: string;
  configureWebpack(config: object, isServer: boolean): object;
  injectHtmlTags(): { headTags: object[] };
};

declare namespace docchatWidget {
  interface Options {
    /** The chat function's address, such as `https://chat.example.com`. */
    endpoint: string;
    /** The panel's title; by default the site's name as the chat knows it. */
    heading?: string;
    /** The letter that opens the chat together with Ctrl or Cmd, or `off`; by default `i`. */
    hotkey?: string;
    /** Whether selected text can be asked about; by default true. */
    selection?: boolean;
    /** Sentences in place of the chat's own. */
    strings?: Partial<typeof strings>;
  }

  /** Throws an error that names the option at fault. */
  function validateOptions(given: { options: Options & { id?: string } }): Options;
}

export = docchatWidget;
