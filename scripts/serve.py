"""Serve both functions on one port, with the routes that the load balancer has.

    python -m scripts.serve           serves the index that the settings name
    python -m scripts.serve --demo    indexes the pages first, and asks a sample question

Each function is loaded by functions-framework's own application factory, as in the cloud.
Without a GEMINI_API_KEY an emulator answers by quoting the pages.

Exit codes: 0 stopped by Ctrl-C, 1 failed, 2 wrong arguments or settings.
"""

import argparse
import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvicorn
from functions_framework.aio import create_asgi_app
from rich.console import Console
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from docchat.core.models import Page
from docchat.errors import DocchatError, Misconfigured
from docchat.indexing import Allowed
from docchat.runtime import Runtime, process_runtime
from docchat.settings import environment
from scripts import index_docs, index_options
from scripts.ask import EMULATED_HEADER, AskError, ask
from scripts.console import complain, log_to, say
from scripts.demo_site import DemoSite
from scripts.local import EMULATOR_NOTICE, is_emulated, local_environment

OK, FAILED, MISUSED = 0, 1, 2
ROOT = Path(__file__).parent.parent
CHAT_PREFIXES = ("/chat", "/v1/", "/feedback")
SAMPLE_QUESTION = "What happens when the docs do not cover a question?"
STARTER_QUESTIONS = (
    "How do I add the chat to my site?",
    "Which citations reach the visitor?",
    "What happens when the docs do not cover a question?",
)
_DEMO_DELAY_S = 0.02
_MAX_PORT = 65_535
_ANYTHING = Allowed(shrink=True, other_model=True)  # the demo's index is nobody's work


class LoadBalancer:
    """The URL map: paths to functions. Locally there are a few pages beside them."""

    def __init__(
        self, *, chat: ASGIApp, health: ASGIApp, pages: ASGIApp, emulated: bool = False
    ) -> None:
        self._chat = chat
        self._health = health
        self._pages = pages
        self._label = [(EMULATED_HEADER.encode(), b"Gemini emulator")] if emulated else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand one request to whom it belongs."""

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._label]}
            await send(message)

        await self._backend(scope["path"], scope["method"])(scope, receive, labelled)

    def _backend(self, path: str, method: str) -> ASGIApp:
        if path.startswith(CHAT_PREFIXES):
            return self._chat
        is_page = method in {"GET", "HEAD"} and (
            path in {"/", "/docs"} or path.startswith(("/docs/", "/assets/"))
        )
        return self._pages if is_page else self._health


def build_app(pages: Sequence[Page] = (), *, emulated: bool = False) -> LoadBalancer:
    """Both functions behind one address; `pages` are served where their URLs say."""
    site = DemoSite(pages, EMULATOR_NOTICE if emulated else "")
    local = Starlette(
        routes=[
            Route("/", site.front),
            Mount("/docs/img", StaticFiles(directory=ROOT / "docs/img")),
            Route("/docs{path:path}", site.page),
            Mount("/assets", StaticFiles(directory=ROOT / "widget/dist")),
        ],
    )
    return LoadBalancer(
        chat=create_asgi_app("chat", str(ROOT / "functions/chat/main.py"), "http"),
        health=create_asgi_app("health", str(ROOT / "functions/health/main.py"), "http"),
        pages=local,
        emulated=emulated,
    )


def port_number(text: str) -> int:
    """A port; 0 lets the operating system choose."""
    if not text.isdecimal() or int(text) > _MAX_PORT:
        raise argparse.ArgumentTypeError(f"PORT must be a number from 0 to {_MAX_PORT}")
    return int(text)


def listen(port: int) -> socket.socket:
    """A socket on loopback.

    Raises:
        Misconfigured: the port is taken.
    """
    # With the protocol named, asyncio sets TCP_NODELAY; without, each reply waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as exc:
        listener.close()
        raise Misconfigured(f"PORT {port} cannot be used ({exc.strerror}): set another") from exc
    return listener


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, app: ASGIApp, when_ready: Callable[[], Awaitable[None]]) -> None:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # the client is who connects, whatever X-Forwarded-For says
        )
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready = asyncio.ensure_future(self._when_ready())


async def serve(
    app: ASGIApp, listener: socket.socket, when_ready: Callable[[], Awaitable[None]]
) -> None:
    """Serve until interrupted."""
    await _Server(app, when_ready).serve(sockets=[listener])
    await process_runtime().aclose()


def run(*, docs: Path, demo: bool, port: int, console: Console) -> None:
    """Set everything up and serve.

    Raises:
        DocchatError: it cannot start; the message says what to change.
    """
    listener = listen(port)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with local_environment(_overrides(url, demo=demo), delay_s=_DEMO_DELAY_S) as variables:
        emulated = is_emulated(variables)
        if emulated:
            say(console, EMULATOR_NOTICE, style="yellow")
        reading = index_docs.read(docs, site_url=f"{url}/docs")
        if demo:
            run = index_docs.publish(reading, Runtime(), console, allowed=_ANYTHING)
            report = asyncio.run(run)
            index_docs.print_report(reading, report, console)

        release_log = log_to(console)

        async def announce() -> None:
            try:
                if demo:
                    await asyncio.to_thread(_ask_sample, url, console)
            finally:
                release_log()
            console.print(f"\nOpen {url} and ask. Ctrl-C stops it.", style="bold")

        asyncio.run(serve(build_app(reading.pages, emulated=emulated), listener, announce))


def _overrides(url: str, *, demo: bool) -> dict[str, str]:
    listed = environment().get("ALLOWED_ORIGINS")
    origins = (listed, url, url.replace("127.0.0.1", "localhost"))
    overrides = {"ALLOWED_ORIGINS": ",".join(filter(None, origins))}
    if demo:
        overrides |= {
            "QDRANT_COLLECTION_NAME": "docchat-demo",
            "SITE_NAME": "docchat",
            "STARTER_QUESTIONS": "|".join(STARTER_QUESTIONS),
        }
    return overrides


def _ask_sample(url: str, console: Console) -> None:
    console.print(f"\n[bold]Q:[/] {SAMPLE_QUESTION}")
    try:
        ask(url, SAMPLE_QUESTION, console=console)
    except AskError as exc:
        complain(console, str(exc))


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--demo", action="store_true", help="index the pages, ask a question")
    parser.add_argument(
        "--docs",
        type=index_options.folder,
        default=ROOT / "docs",
        help="folder whose pages are served under /docs (default: docchat's own)",
    )
    parser.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT", "8080"),
        help="default: the variable PORT, or 8080; 0 takes a free one",
    )
    options = parser.parse_args(arguments)
    console = Console()
    try:
        run(docs=options.docs, demo=options.demo, port=options.port, console=console)
    except KeyboardInterrupt:
        return OK
    except DocchatError as exc:
        complain(console, str(exc))
        return MISUSED if isinstance(exc, Misconfigured) else FAILED
    return OK


if __name__ == "__main__":
    sys.exit(main())
