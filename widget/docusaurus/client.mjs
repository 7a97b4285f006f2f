// A chunk of its own, after the page: the site's own hash, no copy to host, nothing on the server.
if (typeof window !== "undefined") void import("../dist/docs-chat.js");
