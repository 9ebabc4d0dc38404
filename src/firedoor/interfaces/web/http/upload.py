"""A form with a file, read as it comes in: its words first, then the file, part by part, and nothing of it on disk.

Decides that the words stand before the file, as they do on our page, that they are few and short, and that a file which
is refused by its kind or its size is never held. Leaves what may be kept to `core.custody`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from firedoor.core.problems import InvalidInput, Problem
from firedoor.core.text import clean_text
from firedoor.interfaces.web.http.fields import clean_field
from firedoor.interfaces.web.http.limits import API, MAXIMUM_EVIDENCE, takes_evidence
from firedoor.interfaces.web.http.responses import TooLarge

MULTIPART = "multipart/form-data"
MAXIMUM_WORDS = 64 * 1024  # bytes of all fields together
LIMIT = MAXIMUM_EVIDENCE // (1024 * 1024)


def is_upload(request: Request) -> bool:
    """Whether this request is a form with a file that is read as it comes in."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    path = request.url.path
    return kind == MULTIPART and takes_evidence(path) and not path.startswith(API)


async def upload_of(request: Request) -> Upload:
    """The form of this request, read up to the first byte of its file; the same one whenever it is asked for."""
    found = getattr(request.state, "upload", None)
    if found is None:
        found = request.state.upload = Upload(request)
        await found.begin()
    assert isinstance(found, Upload)  # noqa: S101 - nobody else writes there
    return found


class Upload:
    """The fields, then the file. Raises InvalidInput for what is no such form, and TooLarge beyond the limit."""

    def __init__(self, request: Request) -> None:
        self.words: dict[str, str] = {}
        self.filename = ""
        self.media_type = ""
        self.declared = int(request.headers.get("content-length") or 0)
        self._stream = request.stream()
        self._parser = _parser(request.headers.get("content-type", ""), self)
        self._headers: dict[str, str] = {}
        self._header = (bytearray(), bytearray())
        self._field = ""
        self._word = bytearray()
        self._in_file = self._file_over = False
        self._waiting: list[bytes] = []

    async def begin(self) -> None:
        """Read the words."""
        while not self._in_file and await self._more():
            fields = sum(len(name) + len(word) for name, word in self.words.items())
            if fields + len(self._word) + sum(map(len, self._header)) > MAXIMUM_WORDS:
                raise _unreadable()

    async def parts(self) -> AsyncIterator[bytes]:
        """The file as it comes in. Raises TooLarge as soon as it is."""
        size = 0
        if self.declared > MAXIMUM_EVIDENCE + MAXIMUM_WORDS:
            raise _too_large()
        while True:
            for part in self._taken():
                size += len(part)
                if size > MAXIMUM_EVIDENCE:
                    raise _too_large()
                yield part
            if self._file_over or not await self._more():
                return

    def _taken(self) -> list[bytes]:
        taken, self._waiting = self._waiting, []
        return taken

    async def _more(self) -> bool:
        """Read on; False at the end."""
        try:
            chunk = await anext(self._stream, b"")
            if chunk:
                self._parser.write(chunk)
            return bool(chunk)
        except FormParserError:
            raise _unreadable() from None

    # What the parser calls.

    def on_part_begin(self) -> None:
        """A field or the file begins."""
        self._headers, self._field, self._word = {}, "", bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """A part of a header's name."""
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """A part of a header's value."""
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        """A header is whole."""
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._header = (bytearray(), bytearray())

    def on_headers_finished(self) -> None:
        """Now it is known what begins."""
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options and not self._in_file:
            self._in_file = True
            self.filename = clean_text(options[b"filename"].decode("utf-8", "replace"))
            self.media_type = clean_text(self._headers.get("content-type", ""))

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """A part of a word, or of the file."""
        if self._in_file:
            if not self._file_over:
                self._waiting.append(data[start:end])
        else:
            self._word.extend(data[start:end])

    def on_part_end(self) -> None:
        """A field or the file is whole."""
        if self._in_file:
            self._file_over = True
        else:
            self.words[self._field] = clean_field(self._field, self._word.decode("utf-8", "replace"))


def _parser(kind: str, to: Upload) -> MultipartParser:
    _, options = parse_options_header(kind)
    if not options.get(b"boundary"):
        raise _unreadable()
    names = ("part_begin", "header_field", "header_value", "header_end", "headers_finished", "part_data", "part_end")
    callbacks: Any = {f"on_{name}": getattr(to, f"on_{name}") for name in names}
    return MultipartParser(options[b"boundary"], callbacks)


def _unreadable() -> InvalidInput:
    return InvalidInput(Problem(code="W146", message="the form cannot be read", do="reload the page and send it again"))


def _too_large() -> TooLarge:
    do = "keep it where it is, and keep its hash and its place here instead: the second form of this page"
    return TooLarge(Problem(code="W147", message=f"the file is larger than {LIMIT} MiB; nothing of it was kept", do=do))
