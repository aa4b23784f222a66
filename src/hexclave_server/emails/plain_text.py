"""The plain-text part of an email, made from its HTML (contract 08 §6).

Tags are dropped, entities decoded, blocks separated by a blank line, headings in upper case, links written as their text and the URL,
images left out, lines never wrapped: a URL stays in one piece, once, and followed by white space, so that programs can find it.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = _HEADINGS.union(
    ("address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "form"),
    ("header", "hr", "html", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
)
_UNREAD = frozenset(("head", "style", "script", "title", "template"))
_SPACE = re.compile(r"[ \t\r\n\f]+")  # not the no-break space, which is meant


def to_plain_text(html: str) -> str:
    """The text of a document or a part of one; ends with a line break unless it is empty."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Collects finished blocks; `_line` is the block that is being read, in pieces."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._line: list[str] = []
        self._unread = 0
        self._headings = 0
        self._link: tuple[str, int] | None = None

    def text(self) -> str:
        self._end_block()
        return "\n\n".join(self._blocks) + "\n" if self._blocks else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread += 1
        elif tag in _BLOCKS:
            self._end_block()
            self._headings += tag in _HEADINGS
        elif tag == "br":
            self._line.append("\n")
        elif tag == "a":
            self._end_link()
            href = dict(attrs).get("href")
            self._link = (href, len(self._line)) if href else None

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag in _BLOCKS:
            self._end_block()
            self._headings = max(0, self._headings - (tag in _HEADINGS))
        elif tag == "a":
            self._end_link()

    def handle_data(self, data: str) -> None:
        if not self._unread:
            text = _SPACE.sub(" ", data)
            self._line.append(text.upper() if self._headings else text)

    def _end_link(self) -> None:
        """Writes the URL of the open link, unless its text is the URL."""
        if self._link is not None:
            href, start = self._link
            if "".join(self._line[start:]).strip() != href:
                self._line += [" ", href, " "]
            else:
                self._line[start:] = [" ", href, " "]
            self._link = None

    def _end_block(self) -> None:
        self._end_link()
        lines = [_SPACE.sub(" ", line).strip(" ") for line in "".join(self._line).split("\n")]
        block = "\n".join(lines).strip("\n")
        if block:
            self._blocks.append(block)
        self._line = []
