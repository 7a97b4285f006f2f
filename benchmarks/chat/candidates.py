"""Who is measured, and how each of them is started."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.serve import ROOT

EMBEDDED, REMOTE = "docchat, embedded index", "docchat, remote Qdrant"
SEED, LANGCHAIN, LLAMAINDEX = "seed's design", "LangChain", "LlamaIndex"
HELLO, FLOOR = "hello world", "plain HTTP"
HEALTH = "docchat's health function"
BARE = "google-genai's client"
SITE_URL = "https://docs.example.com"
PEERS = Path("benchmarks/chat/peers")
ENVIRONMENTS = ROOT / ".local/venvs"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that answers `POST /chat` with a stream.

    Attributes:
        name: in the tables.
        command: how to start it on a port.
        variables: its environment, besides PATH and the like.
        folder: where it is started.
        alive: a path that answers a GET as soon as anything does.
    """

    name: str
    command: Callable[[int], list[str]]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    alive: str = "/health"


def environment(name: str) -> Path:
    """The `bin` folder of the environment that `make bench` made."""
    return ENVIRONMENTS / f"bench-{name}/bin"


def function(
    name: str, target: str, folder: Path, variables: Mapping[str, str], *, alive: str = "/health"
) -> Candidate:
    """A function behind functions-framework, as Google's buildpack starts it."""

    def command(port: int) -> list[str]:
        program = str(environment("docchat") / "functions-framework")
        return [program, f"--target={target}", "--host=127.0.0.1", f"--port={port}"]

    return Candidate(name, command, variables, folder, alive)


def peer(name: str, place: str, module: str, variables: Mapping[str, str]) -> Candidate:
    """A FastAPI application behind uvicorn, as its users start it."""

    def command(port: int) -> list[str]:
        program = str(environment(place) / "uvicorn")
        return [program, f"benchmarks.chat.peers.{module}:app", f"--port={port}"]

    return Candidate(name, command, variables)


def candidates(upstream: str, index: Path, functions: Path) -> list[Candidate]:
    """All of them.

    Args:
        upstream: the URL of Gemini and of Qdrant.
        index: the folder of the embedded index.
        functions: a folder for each of docchat's functions, as deployed.
    """
    gemini = {"GEMINI_API_KEY": "bench", "GEMINI_BASE_URL": upstream}
    common = {**gemini, "QDRANT_URL": upstream}
    deployed = {**gemini, **_DEPLOYED}
    stand_alone = ROOT / PEERS
    return [
        _docchat(EMBEDDED, functions, {**deployed, "QDRANT_HOST": f"path:{index}"}),
        _docchat(REMOTE, functions, {**deployed, "QDRANT_HOST": upstream}),
        peer(SEED, "seed", "seed", common),
        peer(LANGCHAIN, "langchain", "with_langchain", common),
        peer(LLAMAINDEX, "llamaindex", "with_llamaindex", common),
        function(HELLO, "chat", stand_alone, {"FUNCTION_SOURCE": "hello.py"}),
        function(FLOOR, "chat", stand_alone, {**common, "FUNCTION_SOURCE": "floor.py"}),
    ]


def health(upstream: str, functions: Path) -> Candidate:
    """The health function, which is started alone and answers no question."""
    variables = {"GEMINI_API_KEY": "bench", "GEMINI_BASE_URL": upstream, "QDRANT_HOST": upstream}
    return function(HEALTH, "health", functions / "health", variables, alive="/health/live")


# Everything is on that is on in the cloud; the limits are only too far away to be met.
_DEPLOYED = {
    "RATE_LIMIT_PER_MINUTE": "100000",
    "RATE_LIMIT_BURST": "100000",
    "MAX_STREAMS": "10000",
    "DAILY_TOKEN_BUDGET": "1000000000",
    "SITE_URL": SITE_URL,
}


def _docchat(name: str, functions: Path, variables: Mapping[str, str]) -> Candidate:
    return function(name, "chat", functions / "chat", variables, alive="/chat")
