"""Markup: Markdown and HTML as models write them, left out of what is spoken."""

from __future__ import annotations

import html
import re

from beluga_voice.contracts import TextFilter, TextFilterStream

# Every repetition is bounded or ends where the next attempt would begin, so that the work is linear in the text.
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})(?!.*\1)")
_FENCE_LATE = re.compile(r"(?<![`~])(`{3,}|~{3,})[ \t]{0,4}[\w+-]{0,20}[ \t]{0,4}\r?\n$")
_RULE = re.compile(r"\s*(?:[-=]{2,}|(?:[-*_][ \t]?){3,})\s*$")
_DEFINITION = re.compile(r"[ \t]{0,3}\[[^\[\]\n]{1,80}\]:[ \t]+\S+\s*$")
_QUOTE = re.compile(r"(?:[ \t]{0,3}>[ \t]?){1,9}")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+")
_HEADING_END = re.compile(r"[ \t]+#{1,6}(?=\s*$)")
_BULLET = re.compile(r"[ \t]{0,12}[-*+\u2022\u2023\u25e6][ \t]+(?:\[[ xX]\][ \t]+)?")
_ROW = re.compile(r"[ \t]{0,3}\|")
_ROW_RULE = re.compile(r"[ \t|:-]+\s*$")
_CELL = re.compile(r"[ \t]?\|[ \t]?")

_BREAK = re.compile(r"<(?:br|hr|p|/p|/div|/li)[ \t]{0,4}/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|abbr|article|audio|b|blockquote|body|br|button|center|cite|code|dd|del|details|div|dl|dt|em|figure"
    r"|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|ol|option"
    r"|p|pre|q|s|samp|section|select|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody|td|tfoot|th"
    r"|thead|tr|tt|u|ul|var|video|wbr|speak|prosody|emphasis|phoneme|say-as|break|voice)"
    r"(?:[\s/][^<>]{0,500})?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
_ADDRESS = re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000})>")
_LINK = re.compile(
    r"!?\[([^\[\]]{0,400})\](?:\([^()\s]{0,2000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?(?:\s+\"[^\"\n]{0,200}\")?\)"
    r"|\[[^\[\]]{0,80}\])"
)
_LINK_END = re.compile(r"\]\([^()\s]{0,2000}(?:\s+\"[^\"\n]{0,200}\")?\)")
_NOTE = re.compile(r"\[\^[^\[\]\s]{1,40}\]|\u3010[^\u3010\u3011]{0,80}\u3011")
_EMPHASIS = re.compile(
    r"(?<!\\)(?:\*{2,}|(?<![\w*])\*(?![\s*])|(?<![\s*\\])\*(?![\w*])|(?<![^\W_])_+|_+(?![^\W_])|~~|`+)"
)
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|>~-])")


class MarkupFilter(TextFilter):
    """Leaves out Markdown and HTML: emphasis, headings, list marks, tags; of links the text is spoken, of tables
    the cells, and of blocks of code nothing."""

    def open_stream(self, language: str) -> TextFilterStream:  # noqa: ARG002 - markup is the same in all
        """Open a stream."""
        return _MarkupStream()


class _MarkupStream(TextFilterStream):
    def __init__(self) -> None:
        self._begins_line = True
        self._fence = ""
        self._row = False
        self._comment = False

    def process(self, text: str) -> str:
        if self._comment or "<!--" in text:
            text = self._uncommented(text)
        spoken = "".join(map(self._line, text.splitlines(keepends=True)))
        return _inline(spoken)

    def _uncommented(self, text: str) -> str:
        """Leave out comments, which may go on in the next piece."""
        kept, at = [], 0
        while at < len(text):
            found = text.find("-->" if self._comment else "<!--", at)
            end = len(text) if found < 0 else found
            if not self._comment:
                kept.append(text[at:end])
            if found < 0:
                break
            at = found + (3 if self._comment else 4)
            self._comment = not self._comment
        return "".join(kept)

    def _line(self, line: str) -> str:
        """How a line is spoken, or what there is of it, as far as marks at its beginning say."""
        begins, self._begins_line = self._begins_line, line.endswith(("\n", "\r"))
        if begins:
            self._row = False
            if line.strip() and self._fenced(line):
                return ""
        if self._fence:
            if line.rstrip().endswith(self._fence):
                self._fence = ""
            return ""
        if (late := _FENCE_LATE.search(line)) is not None:
            self._fence = late[1]
            line = line[: late.start()]
        return self._block(line) if begins else self._cells(line)

    def _fenced(self, line: str) -> bool:
        """Tell whether the line opens or closes a block of code."""
        fence = _FENCE.match(line)
        if fence is None:
            return False
        if not self._fence:
            self._fence = fence[1]
            return True
        if fence[1].startswith(self._fence):
            self._fence = ""
            return True
        return False

    def _block(self, line: str) -> str:
        if _DEFINITION.match(line):
            return ""
        if (quote := _QUOTE.match(line)) is not None:
            line = line[quote.end() :]
        if _RULE.match(line):
            return ""
        if (heading := _HEADING.match(line)) is not None:
            return _HEADING_END.sub("", line[heading.end() :])
        if (bullet := _BULLET.match(line)) is not None:
            return line[bullet.end() :]
        if (row := _ROW.match(line)) is not None:
            self._row = True
            if _ROW_RULE.match(line):
                return ""
            line = line[row.end() :].lstrip(" \t")
        return self._cells(line)

    def _cells(self, line: str) -> str:
        if not self._row or "|" not in line:
            return line
        body = line.rstrip()
        if body.endswith("|"):
            body = body[:-1].rstrip(" \t")
        return _CELL.sub(", ", body) + line[len(line.rstrip()) :]


def _inline(text: str) -> str:
    """Leave out the marks within a line."""
    if "<" in text:
        text = _ADDRESS.sub(r"\1", text)
        text = _TAG.sub("", _BREAK.sub(" ", text))
    if "[" in text or "\u3010" in text or "](" in text:
        text = _NOTE.sub("", text)
        text = _LINK_END.sub("", _LINK.sub(r"\1", text))
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return _ESCAPE.sub(r"\1", _EMPHASIS.sub("", text))
