"""Secrets in addresses: passwords before the host, and signatures and keys in the query."""

import re

# Takes time in proportion to the text, which may come from a stranger's file: the letters that a scheme may
# have are scanned once, from the first of them and without steps back.
_ADDRESS = re.compile(
    r"""(?<![a-z0-9+.-])(?P<before>[0-9+.-]*+)
        (?P<scheme>[a-z][a-z0-9+.-]++:/{1,2})  # a Path removes one of two slashes
        (?P<user>[^\s/?#'"<>]*@)?
        (?P<path>[^\s?'"<>]*)
        (?P<query>\?(?:[^\s'"<>]*[^\s'"<>:;,.)])?)?  # without the punctuation of a sentence""",
    re.IGNORECASE | re.VERBOSE,
)
# A query behind a name without its address.
_QUERY = re.compile(r"""\?[\w.~%-]+=(?:[^\s'"<>]*[^\s'"<>:;,.)])?""")
_CONTAINERS = ("abfs", "wasb")  # Azure writes the container where others write the user
_HIDDEN = "***"


def hide_secrets(text: str) -> str:
    """Return the text with the users, passwords and queries of all addresses in it replaced by `***`.

    `https://me:secret@host/a.mp4?signature=1` becomes `https://***@host/a.mp4?***`.
    """
    if "?" not in text and "@" not in text:
        return text
    return _QUERY.sub(f"?{_HIDDEN}", _ADDRESS.sub(_hide, text))


def _hide(match: re.Match[str]) -> str:
    before, scheme, user, path, query = match.group("before", "scheme", "user", "path", "query")
    is_secret = user and not (scheme.lower().startswith(_CONTAINERS) and ":" not in user)
    shown = f"{_HIDDEN}@" if is_secret else user or ""
    return f"{before}{scheme}{shown}{path}{f'?{_HIDDEN}' if query else ''}"
