"""The links that carry one-time codes: a callback URL with the query parameter `code` set (contract 05 §3.6, 08 §6).

Works on the text: a parser that writes the URL anew would change other parameters, and applications compare their URLs byte for byte.
"""

from __future__ import annotations

from urllib.parse import unquote_plus

_NAME = "code"


def with_code(callback_url: str, code: str) -> str:
    """The callback URL with `code` as its query parameter of this name; all else stays as it is, byte for byte, the fragment too.

    A parameter `code` that is there already (in any encoding) gives way, so that whoever reads the first or the last finds ours.
    The URL must have been found trusted.
    """
    before_fragment, hash_sign, fragment = callback_url.partition("#")
    base, _, query = before_fragment.partition("?")
    kept = [parameter for parameter in query.split("&") if not _is_code(parameter)] if query else []
    return base + "?" + "&".join([*kept, f"{_NAME}={code}"]) + hash_sign + fragment


def _is_code(parameter: str) -> bool:
    return unquote_plus(parameter.partition("=")[0]) == _NAME
