"""A hook of mkdocs: keeps the browser from breaking a line within an option, such as `--keep-colour`."""

import re
from typing import Any

# A block of commands, another block, or code in a text.
CODE = re.compile(
    r'<div class="language-text highlight">.*?</div>|<pre.*?</pre>|<code>[^<]*</code>', re.DOTALL
)
OPTION = re.compile(r"(?<![\w-])--?\w[\w-]*")


def on_page_content(html: str, **_: Any) -> str:
    """Make a span of each option in commands and in code; mkdocs calls this, and style.css does the rest."""
    return CODE.sub(lambda code: code[0] if code[0].startswith("<pre") else mark_options(code[0]), html)


def mark_options(code: str) -> str:
    """Return HTML in which each option is a span."""
    return OPTION.sub(lambda option: f'<span class="option">{option[0]}</span>', code)
