"""From the URL of an object store to sources: one object, those below a prefix, those of a pattern."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from mediaml.core.errors import MediaError
from mediaml.core.location import Url
from mediaml.core.work import Source
from mediaml.media.object_store import ObjectFacts, list_objects, object_facts
from mediaml.pipeline.patterns import Filter, path_key
from mediaml.pipeline.walk import escape_name


def store_sources(url: Url, filter_: Filter, *, recursive: bool) -> Iterator[Source]:
    """The objects that a URL names, in the order of a scan; hidden ones only where they are named.

    Size, time of modification and ETag stand in the listing, so that a changed object is noticed without
    reading it. What cannot be listed is one source, with its `problem`.

    Args:
        filter_: which of the objects below a prefix are wanted.
    """
    try:
        facts = None if set("*?") & set(url.text) else object_facts(url)
        if facts is not None:
            yield _source(url, facts, named=True)
            return
        found = {one.text: facts for one, facts in list_objects(url, recursive=recursive)}
    except (MediaError, FileNotFoundError) as error:
        problem = str(error) if isinstance(error, MediaError) else ""
        yield _refused(url, problem or "there is no such object or bucket.\nCheck the address.")
        return
    base = url.text.partition("*")[0].rpartition("/")[0]
    wanted = [text for text in found if _is_wanted(text, text.removeprefix(base).lstrip("/"), filter_)]
    if not found:
        yield _refused(url, "there is no such object, and none below it.\nCheck the address.")
    for text in sorted(wanted, key=path_key):
        yield _source(Url(text), found[text], named=False)


def _is_wanted(text: str, below: str, filter_: Filter) -> bool:
    """Whether an object is not hidden, and neither its name nor that of a folder above it is left out."""
    pure = PurePosixPath(below)
    if any(part.startswith(".") for part in pure.parts):
        return False
    folders = [folder for folder in pure.parents if folder.name]
    return filter_.takes_file(pure.name, below, text) and all(
        filter_.takes_folder(folder.name, str(folder)) for folder in folders
    )


def _source(url: Url, facts: ObjectFacts, *, named: bool) -> Source:
    shown = escape_name(str(url))
    return Source(url, shown, url.name, facts.size, facts.mtime_ns, named, digest=facts.etag)


def _refused(url: Url, problem: str) -> Source:
    return Source(url, escape_name(str(url)), url.name, 0, 0, named=True, problem=problem)
