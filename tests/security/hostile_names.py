"""Names and addresses that want to become something else in a letter, as many as are asked for."""

PIECES = [
    "\r\nBcc: evil@evil.test", "\nSubject: x", "\r", "\n\n<p>", "\r\n.\r\n", "\0", "\x1b[2J",
    "\x7f",
    "\x85Bcc: x", "\u2028", "\u2029", "\x0b", "\x0c", "\ufeff", "\u200b", "\u200d", "\u00ad",
    "\u2060",
    "\u202egnp.exe", "\u2066a\u2069", "\u061c", "\u200f", "\U000e0041", "\ufff9", "\ue000",
    "\udc80",
    "=?utf-8?q?=0D=0ABcc:_evil=40evil=2Etest?=", "=?utf-8?q?=0D=0A=0D=0A<h1>Pay</h1>?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXZpbC50ZXN0?=", "=?iso-8859-1?q?=00?=", "=?utf-8?q?", "?=", "=?",
    "=?us-ascii?q?=2C_evil=40evil=2Etest?=", "=?x-no?q?a?=", "=?utf-8?q?a?= =?utf-8?q?b?=",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title><script>", "<style>*{}",
    "<a href='https://evil.test'>x</a>", "<!--", "-->", "]]>", "&lt;b&gt;", "&#106;avascript:x",
    "&",
    "<base href=//evil.test>", "<form action=//evil.test>", "</td></table>", "\"", "'", "`", "“",
    "”",
    "{{7*7}}", "{% raw %}", "{#", "{{ token }}", "{{ ''.__class__ }}", "%s", "%(url)s", "{0}",
    "${x}",
    "https://evil.test/x", "http://evil.test", "HTTPS://EVIL.TEST", "//evil.test",
    "www.evil.test",
    "evil.test", "bit.ly", "ftp://evil.test", "javascript:alert(1)", "data:text/html,x",
    "file:///x",
    "mailto:evil@evil.test", "evil@evil.test", "evil．test", "evil。test", "ｅｖｉｌ.ｔｅｓｔ",
    "tel:112",
    "a" * 64, "a" * 300, "ä" * 200, "漢" * 150, "a " * 200, "a\u0300" * 100, "Z͑ͫ̓a̴̵̞l̫͎g͖o̖" * 9,
    "😀" * 40,
    "👩\u200d👩\u200d👧\u200d👦", "🏳️\u200d🌈", "🇩🇪", "é", "e\u0301", "ﷺ", "İ", "ß", "ſ", "K",
    "ŉ", "ﬀ", "ﾞ",
    "--", "-- ", "-- \n", "=_", "--=_", "    ", "\t", "\u00a0", "\u3000", "\u2003", ".", "..",
    "From ",
    ">From ", ",", ";", ":", "<>", "(", ")", "\\", "*", "_", "#", "=", "=3D", "=\n", "=20", "~",
    "Ada", "Lovelace", "J.R.R. Tolkien", "Mr. T", "O'Brien", "Søren", "نادية", "שלום", "王芳", "",
]  # fmt: skip
LOCAL_PARTS = [
    "a", "a+b", "o'brien", "a=b", "=?utf-8?q?x?=", "x=?utf-8?q?=0D=0ABcc=3Ax?=y", "a{b}",
    "{{7*7}}",
    "a*b", "a%b", "a!b", "a/b", "a|b", "a~b", "a`b", "a^b", "a?b", "#a", "$a", "&lt;", "-a", "--",
    "a" * 64, "A.B.C", "_", "%0d%0a", "a.b", '"a b"', "a\r\nb", "a\0b", "é", "a<b>", "a,b", "a b",
]  # fmt: skip
DOMAINS = [
    "evil.test", "EVIL.Test", "x--y.test", "exämple.test", "xn--exmple-cua.test", "a.b.c.d.test",
    "b" * 63 + ".test", ".".join(["c" * 60] * 4), "[127.0.0.1]", "localhost", "evil.test\r\nX: y",
    "-a.test", "a..test", "evil。test", "127.0.0.1", "a_b.test", "evil.test.",
]  # fmt: skip


def name(dice):
    """A name of one to four pieces, some of them run together."""
    return dice.choice(["", " "]).join(dice.choices(PIECES, k=dice.randint(1, 4)))


def email(dice):
    return f"{dice.choice(LOCAL_PARTS)}@{dice.choice(DOMAINS)}"
