"""`python -m emulators.qdrant`: the emulator as a process."""

import argparse
import signal
import sys
from pathlib import Path

from emulators.qdrant import create_app
from emulators.server import serve_forever


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m emulators.qdrant", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: the operating system chooses")
    parser.add_argument("--api-key", help="require this key in the api-key header")
    parser.add_argument("--data-dir", type=Path, help="keep collections here between runs")
    options = parser.parse_args()
    # Without this SIGTERM ends the process before it has removed its temporary folder.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app = create_app(options.data_dir, options.api_key)
    serve_forever(app, name="Qdrant", port=options.port)


if __name__ == "__main__":
    main()
