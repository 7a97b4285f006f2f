"""`python -m emulators.gemini`: serve until interrupted."""

import argparse

from emulators.gemini.app import create_app
from emulators.server import serve_forever


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.gemini", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds between pieces")
    parser.add_argument("--api-key", action="append", help="a valid key; default: any")
    options = parser.parse_args()
    app = create_app(options.api_key, delay_s=options.delay)
    serve_forever(app, name="Gemini API", port=options.port)


if __name__ == "__main__":
    main()
