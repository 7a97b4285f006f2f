"""A docs site of one page, on an origin of its own, and a chat server that filters nothing."""

import json
from collections.abc import AsyncIterator, Sequence
from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.servers import ROOT

WIDGET = ROOT / "widget"
POLICY = (
    "default-src 'none'; img-src data:; script-src 'self'; style-src 'none'; "
    "connect-src 'self' {endpoint}; require-trusted-types-for 'script'; trusted-types dompurify"
)
_PAGE = """<!doctype html>
<html lang="{lang}" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="docusaurus_version" content="2.0">
<title>Lighthouse</title>
<link rel="icon" href="data:,">
{style}
<script defer src="/widget/docs-chat.js" data-endpoint="{endpoint}"{attributes}></script>
</head>
<body>
<main id="content">
<h1>Rotating the signing key</h1>
<p id="text">Lighthouse signs every alert that it sends. Rotate the signing key once a year, and at
once when somebody who knew it has left.</p>
<p><a id="next" href="/other">The next page</a></p>
</main>
</body>
</html>
"""
_STYLE = """<style>
html { color-scheme: light; }
html[data-theme=dark] { color-scheme: dark; background: #14171d; }
body { font-family: system-ui, sans-serif; line-height: 1.6; margin: 0; }
main { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
</style>"""


class Site:
    """The page server.

    Attributes:
        endpoint: the chat that its pages ask.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.app = Starlette(
            routes=[
                Mount("/widget", StaticFiles(directory=WIDGET / "dist")),
                Route("/{path:path}", self._page),
            ]
        )

    async def _page(self, request: Request) -> Response:
        """Its query says how it looks; what begins with `data-` becomes the script's attribute."""
        query = request.query_params
        endpoint = query.get("endpoint", self.endpoint)
        is_strict = "strict" in query
        attributes = "".join(
            f' {name}="{escape(value)}"' for name, value in query.items() if name[:5] == "data-"
        )
        page = _PAGE.format(
            lang=escape(query.get("lang", "en")),
            theme=escape(query.get("theme", "light")),
            style="" if is_strict else _STYLE,
            endpoint=escape(endpoint),
            attributes=attributes,
        )
        headers = {"Content-Security-Policy": POLICY.format(endpoint=endpoint)} if is_strict else {}
        return HTMLResponse(page, headers=headers)


def unfiltered_chat(answers: Sequence[str | None]) -> Starlette:
    """Says each text once, as it is, with it as a source's title, snippet and address, too.

    The last one comes first. None is an end without what an end has.
    """
    waiting = list(answers)
    cors = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}

    async def stream(text: str | None) -> AsyncIterator[str]:
        if text is None:
            yield _part("finish")
            return
        source = {"sourceId": "1", "url": text, "title": text}
        snippet = {"providerMetadata": {"docchat": {"snippet": text}}}
        led = {**source, **snippet, "sourceId": "2", "url": f"https://docs.example.com/{text}"}
        yield _part("start", messageId="0" * 32)
        yield _part("source-url", **source, **snippet)
        yield _part("source-url", **led)
        yield _part("text-delta", id="0", delta=text)
        yield _part("finish", messageMetadata={"outcome": "answered"})

    async def chat(request: Request) -> Response:
        if request.method != "POST":
            return Response("{}", headers=cors)
        return StreamingResponse(stream(waiting.pop()), headers=cors)

    return Starlette(routes=[Route("/chat", chat, methods=["GET", "POST", "OPTIONS"])])


def _part(kind: str, **fields: object) -> str:
    return f"data: {json.dumps({'type': kind, **fields})}\n\n"
