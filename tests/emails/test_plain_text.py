"""The text part made from HTML (contract 08 §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.emails.plain_text import to_plain_text

URL = "https://a.example/x?code=1&y=%20"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>x</p>", "x\n"),
        ("", ""),
        ("<p>a</p><p>b</p>", "a\n\nb\n"),
        ("<h1>Hello &amp; more</h1><div>one<br>two</div>", "HELLO & MORE\n\none\ntwo\n"),
        (f'<p>See <a href="{URL}">this</a>.</p>', f"See this {URL} .\n"),
        (f'<a href="{URL}">{URL}</a>', f"{URL}\n"),
        (f'<h2><a href="{URL}">go</a></h2>', f"GO {URL}\n"),
        ('<p>an <img src="https://x.example/i.png" alt="image"> out</p>', "an out\n"),
        ("<style>p{}</style><script>1</script><p>&lt;b&gt; &#8364;</p>", "<b> €\n"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\n\nb\n"),
        ("<p>" + "long " * 100 + "</p>", ("long " * 100).strip() + "\n"),
        ("<p>a<b>b</b>\n  c</p>", "ab c\n"),
        ('<a href="">nowhere</a>', "nowhere\n"),
        (f'<a href="{URL}">open', f"open {URL}\n"),
    ],
)
def test_html_becomes_text(html: str, text: str):
    assert to_plain_text(html) == text


@given(st.text(alphabet='<>/="ab &;#x', max_size=60))
def test_any_text_is_read_to_its_end(html: str):
    to_plain_text(html)
