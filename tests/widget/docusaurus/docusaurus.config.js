// docchat's own docs as a Docusaurus site with the widget's plugin; ENDPOINT is the chat's address.
module.exports = {
  title: "docchat",
  url: "https://docs.example.com",
  baseUrl: "/",
  onBrokenLinks: "throw",
  onBrokenAnchors: "warn",
  // The .md files are Markdown, as the indexer takes them; .mdx is MDX.
  markdown: { format: "detect" },
  i18n: { defaultLocale: "en", locales: ["en", "de"] },
  presets: [
    [
      "classic",
      { docs: { path: "../../../docs", routeBasePath: "/" }, blog: false, pages: false },
    ],
  ],
  plugins: [["docchat-widget/docusaurus", { endpoint: process.env.ENDPOINT }]],
};
