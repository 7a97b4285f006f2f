"""Which state of a site's repository is indexed."""

import shutil
import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str:
    """The commit that is checked out; "" outside of a repository, or where there is no git."""
    git = shutil.which("git")
    if git is None:
        return ""
    asked = subprocess.run(  # noqa: S603 - no shell, and git itself
        [git, "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""
