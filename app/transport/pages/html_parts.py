"""What the pages made from the code share: head and foot, contents with anchors, tables."""

import html
import re
from collections.abc import Iterable, Sequence
from typing import Final

from app import __version__

_LINKS: Final = (("/demo", "Demo"), ("/docs", "API"), ("/privacy", "Privacy"))
_HEADING: Final = re.compile(r"<h([23])>(.*?)</h\1>")


def header(here: str) -> str:
    """The product's name and where one can go; `here` is the page that shows it."""
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == here else ""}>{name}</a>' for path, name in _LINKS
    )
    return (
        '<a class="skip" href="#main">Skip to content</a><header class="bar">'
        '<a class="brand" href="/demo"><img src="/static/icon.svg" alt="" width="24" height="24">SessionMood</a>'
        f'<nav aria-label="Pages">{links}</nav></header>'
    )


def footer() -> str:
    return (
        f"<footer><p>SessionMood {__version__} tells an app how its user feels while using it, in time to help. "
        '<a href="/openapi.json">openapi.json</a></p></footer>'
    )


def notice(title: str, text: str) -> str:
    """A page that says one thing. In `text`, `code` and [links](/where) as in Markdown."""
    said = re.sub(r"\[([^\]]+)\]\((/[a-z]*)\)", r'<a href="\2">\1</a>', words(text))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{title} · SessionMood</title>'
        '<link rel="stylesheet" href="/static/pages.css"><link rel="icon" href="/static/icon.svg"></head>'
        f'<body>{header("")}<main id="main" class="alone"><h1>{title}</h1><p class="lead">{said}</p></main>{footer()}'
        "</body></html>"
    )


def with_anchors(page: str) -> str:
    """`page` with an anchor on each heading, named as GitHub names them, and `{{contents}}` filled in."""
    contents: list[str] = []
    seen: dict[str, int] = {}

    def anchored(found: re.Match[str]) -> str:
        level, inner = found.groups()
        text = html.unescape(re.sub(r"<.*?>", "", inner))
        slug = slug_of(text)
        times = seen.get(slug, 0)
        seen[slug] = times + 1
        if times:
            slug = f"{slug}-{times}"
        if level == "2":
            contents.append(f'<li><a href="#{slug}">{inner}</a></li>')
        return f'<h{level} id="{slug}"><a class="anchor" href="#{slug}">{inner}</a></h{level}>'

    page = _HEADING.sub(anchored, page)
    return page.replace("{{contents}}", f"<ol>{''.join(contents)}</ol>")


def slug_of(text: str) -> str:
    """A heading's anchor: lower case, words joined by hyphens, nothing but letters, digits, `_` and `-`."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Cells are HTML. On a phone each cell has its head beside it."""
    lines = "".join(
        "<tr>"
        + "".join(
            f'<td data-head="{html.escape(head)}">{cell}</td>' for head, cell in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>'


def words(text: str) -> str:
    """Plain text as HTML, with `code` between backquotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def code(text: str) -> str:
    return f"<code>{html.escape(text, quote=False)}</code>"
