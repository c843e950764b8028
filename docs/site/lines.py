"""A hook of mkdocs: keeps the browser from breaking a line within an option, such as `--keep-colour`."""

import re
from typing import Any

CODE = re.compile(r"<pre.*?</pre>|(?<=<code>)[^<]*-[^<]*(?=</code>)", re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--?\w[\w-]*")


def on_page_content(html: str, **_: Any) -> str:
    """Mark the options in the code of a text; mkdocs calls this with each page."""
    return CODE.sub(lambda code: code[0] if code[0].startswith("<pre") else mark_options(code[0]), html)


def mark_options(code: str) -> str:
    """Return HTML in which each option is a span, which style.css keeps on one line."""
    return OPTION.sub(lambda option: f'<span class="option">{option[0]}</span>', code)
