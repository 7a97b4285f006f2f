"""The text files below a folder: found, bounded, and never from outside of it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

MAX_FILE_BYTES = 2 * 1024 * 1024
"""A larger file is no page that somebody wrote."""

_SUFFIXES = (".md", ".mdx")


class Skip(Exception):
    """This file is not read; the text says why."""


def markdown_files(
    root: Path, may_be_page: Callable[[str], bool], report: Callable[[Path, str], None]
) -> Iterator[Path]:
    """The Markdown files, sorted by name folder by folder; links to folders are not followed.

    Args:
        root: where to look.
        may_be_page: whether a file or folder of this name is looked at.
        report: told of folders that cannot be read, and why.
    """

    def failed(error: OSError) -> None:
        report(Path(error.filename), f"cannot be read: {error.strerror}")

    for folder, folders, names in os.walk(root, onerror=failed):
        folders[:] = sorted(filter(may_be_page, folders))
        for name in sorted(filter(may_be_page, names)):
            if name.lower().endswith(_SUFFIXES):
                yield Path(folder, name)


def shown_path(file: Path, root: Path) -> str:
    """The path below `root`; bytes that are no UTF-8 are written as escapes."""
    inside = file.relative_to(root) if file.is_relative_to(root) else file
    return inside.as_posix().encode(errors="backslashreplace").decode()


def text_of(file: Path, root: Path) -> str:
    r"""The file's text; its lines end with `\n`.

    Raises:
        Skip: it is no text file inside `root`, or cannot be read.
    """
    try:
        if not file.is_file():
            raise Skip("not a regular file")
        if not file.resolve().is_relative_to(root.resolve()):
            raise Skip("a link that leads out of the docs folder")
        if file.stat().st_size > MAX_FILE_BYTES:
            raise Skip(f"larger than {MAX_FILE_BYTES} bytes")
        content = file.read_bytes()
    except OSError as exc:
        raise Skip(f"cannot be read: {exc.strerror}") from exc
    if b"\0" in content:
        raise Skip("not a text file")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        raise Skip("not UTF-8") from exc
