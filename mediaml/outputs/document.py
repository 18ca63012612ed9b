"""A page in one HTML file that opens from disk: static files of this package, and data.

The page's own scripts and styles are inside it, known to its content security policy by their SHA-256. What
comes from files is data, in elements that no browser executes. So the page works from disk, where a browser
lets it read no other file, and a name that looks like a script stays a name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import IO, Any

import msgspec

_PACKAGE = files("mediaml.outputs")


@dataclass(frozen=True, slots=True)
class Document:
    """The static files of a page, as paths below this package.

    Attributes:
        template: HTML with the places `<!-- policy -->` and `<!-- parts -->` in its head, and an open body.
        styles, scripts: in the order in which they are applied and run.
    """

    template: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]

    def write(
        self, file: IO[bytes], facts: dict[str, Any], more: Iterable[Callable[[IO[bytes]], None]] = ()
    ) -> None:
        """Write the whole page.

        Args:
            facts: the data, which the page's scripts find as JSON in the element `facts`.
            more: write further elements with data.

        Raises:
            OSError: it cannot be written.
        """
        styles, scripts = [static(name) for name in self.styles], [static(name) for name in self.scripts]
        head, body = static(self.template).split(b"<!-- parts -->")
        file.write(head.replace(b"<!-- policy -->", _policy(styles, scripts)))
        for style in styles:
            file.write(b"<style>" + style + b"</style>\n")
        file.write(body)
        file.write(b'<script type="application/json" id="facts">' + json_block(facts) + b"</script>\n")
        for write in more:
            write(file)
        for script in scripts:
            file.write(b"<script>" + script + b"</script>\n")
        file.write(b"</body>\n</html>\n")


def static(name: str) -> bytes:
    """A static file, by its path below this package."""
    return _PACKAGE.joinpath(name).read_bytes()


def _policy(styles: Sequence[bytes], scripts: Sequence[bytes]) -> bytes:
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


def _hashes(parts: Sequence[bytes]) -> str:
    digests = (base64.b64encode(hashlib.sha256(part).digest()).decode("ascii") for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def json_block(value: Any) -> bytes:
    """JSON that may stand in a `<script>` element: without `<`, so that nothing in it can end the element."""
    return msgspec.json.encode(value).replace(b"<", b"\\u003c")
