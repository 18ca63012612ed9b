"""The page: the static files of this package, the facts and the columns in one HTML file.

The page's own scripts and styles are inside it, known to its content security policy by their SHA-256. What
comes from files is data, in elements that no browser executes. So the page works from disk, where a browser
lets it read no other file, and a name that looks like a script stays a name.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import IO, Any

import msgspec

from mediaml.outputs.report.columns import Columns

STYLES = ("vendor/uPlot.min.css", "page.css", "parts.css")
SCRIPTS = (
    "vendor/uPlot.iife.min.js",
    "data.js",
    "format.js",
    "filters.js",
    "draw.js",
    "cards.js",
    "timeline.js",
    "viewer.js",
    "panel.js",
    "tables.js",
    "main.js",
)
_STATIC = files("mediaml.outputs.report").joinpath("static")


def write_page(file: IO[bytes], facts: dict[str, Any], columns: list[Columns]) -> None:
    """Write the whole page.

    Raises:
        OSError: it cannot be written.
    """
    styles, scripts = [_static(name) for name in STYLES], [_static(name) for name in SCRIPTS]
    head, body = _static("page.html").split(b"<!-- parts -->")
    file.write(head.replace(b"<!-- policy -->", _policy(styles, scripts)))
    for style in styles:
        file.write(b"<style>" + style + b"</style>\n")
    file.write(body)
    file.write(b'<script type="application/json" id="facts">' + json_block(facts) + b"</script>\n")
    for group in columns:
        group.write(file)
    for script in scripts:
        file.write(b"<script>" + script + b"</script>\n")
    file.write(b"</body>\n</html>\n")


def _static(name: str) -> bytes:
    return _STATIC.joinpath(name).read_bytes()


def _policy(styles: list[bytes], scripts: list[bytes]) -> bytes:
    """The content security policy; `file:` is what a page from disk and its pictures have as their origin."""
    policy = {
        "default-src": "'none'",
        "script-src": _hashes(scripts),
        "style-src": _hashes(styles),
        "img-src": "'self' file:",
        "media-src": "'self' file:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    text = "; ".join(f"{name} {value}" for name, value in policy.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{text}">'.encode("ascii")


def _hashes(parts: list[bytes]) -> str:
    digests = (base64.b64encode(hashlib.sha256(part).digest()).decode("ascii") for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def json_block(value: Any) -> bytes:
    """JSON that may stand in a `<script>` element: without `<`, so that nothing in it can end the element."""
    return msgspec.json.encode(value).replace(b"<", b"\\u003c")
