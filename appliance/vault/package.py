r"""The fingerprint of the installed software: SHA-256 over its files.

What it is: one hash over the files of the Python package as they lie on disk. What it is not: a proof: whoever can
change the files can change this one too; it tells two versions, or an installation that went wrong, apart.
Rule: anybody can work it out again with a shell, in the package's folder::

    find . -type f ! -path '*/__pycache__/*' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum
"""

import hashlib
from functools import cache
from pathlib import Path

import appliance


@cache
def package_sha256(folder: Path | None = None) -> str:
    """64 hexadecimal digits for the package under ``folder``, by default our own; worked out once.

    Raises:
        OSError: a file cannot be read.
    """
    root = Path(appliance.__file__).parent if folder is None else folder
    files = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    names = sorted(f"./{path.relative_to(root).as_posix()}" for path in files)
    listing = "".join(f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    return hashlib.sha256(listing.encode()).hexdigest()
