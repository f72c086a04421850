"""What attackers and broken programs send: values, bodies, ways off the site, headers, cookies."""

from urllib.parse import quote_from_bytes

LONG = "x" * 1_000_000
VALUES = [
    b"", b" ", b"0", b"-1", b"1.5", b"1e3", b"NaN", b"null", b"true", b"[]", b"{}", b"\0", b"a\0b",
    b"9" * 18, b"1" + b"0" * 30, b"9" * 5000, b"-" + b"9" * 18, "٣".encode(), "Ⅷ".encode(),
    b"\xff\xfe", b"\xed\xa0\x80", b"\xed\xb0\x80\xed\xa0\x80", b"\xc0\xae", b"\xf4\x90\x80\x80",
    "\u202egnp.exe".encode(), "\u2066a\u2069".encode(), "\ufeffa".encode(), "\ufffe".encode(),
    "a\u0300".encode() * 500, "\u1ea0\u0323".encode(), "\U0010ffff".encode(), "ﷺ".encode() * 99,
    b"a\r\nBcc: evil@evil.test", b"a\n.\nDATA", b"\x1b[31m", b"\x85", "\u2028".encode(),
    b"' OR 1=1 --", b"%", b"_", b"\\", b"{{7*7}}", b"{0.__class__}", b"%s%n", b"${jndi:ldap://e}",
    b"<script>alert(1)</script>", b"\"><img src=x onerror=alert(1)>", b"../../etc/passwd",
    b"owner@acme.test", b"a@b@c", b"@", b"a@" + b"b" * 300 + b".test", "ü@exämple.test".encode(),
    b"a@[127.0.0.1]", b"\"a b\"@c.test", b"," * 20_000, b"a@b.test," * 2_000,
]  # fmt: skip
FORM = "application/x-www-form-urlencoded"
MULTI = "multipart/form-data"
PART = b'--b\r\nContent-Disposition: form-data; name="name"'
BODIES = [  # content type and body
    (FORM, b"name[]=a&name[]=b"), (FORM, b"name=a&name=b"), (FORM, b"name=a&admin=1&__proto__=2"),
    (FORM, b"&&&===&=&a"), (FORM, b"%"), (FORM, b"%zz=%u0041"), (FORM, b"name=%"), (FORM, b""),
    (FORM, b"a=b&" * 30_000), (FORM, b"\xff\xfe=\xff"), (FORM + "; charset=utf-16", b"name=a"),
    (FORM + "; charset=no-such", b"name=a"), (FORM + "; charset=\xff", b"name=a"),
    (FORM.upper(), b"name=a"), ("application/json", b'{"name": ["a"]}'), ("", b"name=a"),
    ("application/json", b"["*100_000), ("application/json", b"{" * 9), ("application/json", b""),
    ("application/json; charset=utf-16", b"\xff"), ("text/plain", b"name=a"), ("text/xml", b"<a/>"),
    ("application/octet-stream", bytes(range(256)) * 100), ("no type", b"name=a"),
    (MULTI, b"name=a"), (MULTI + "; boundary=", b"--\r\n"), (MULTI + "; boundary=b", b""),
    (MULTI + "; boundary=b", PART), (MULTI + "; boundary=b", PART + b"\r\n\r\na"),
    (MULTI + "; boundary=b", PART + b"\r\n\r\na\r\n--b"), (MULTI + "; boundary=b", b"--b--"),
    (MULTI + "; boundary=" + "b" * 5000, b"--b\r\n\r\n\r\n--b--"),
    (MULTI + '; boundary="b"; charset=x', PART + b"\r\n\r\na\r\n--b--\r\n"),
    (MULTI + "; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\na\r\n--b--\r\n"),
    (MULTI + "; boundary=b", b"--b\r\nX\r\n\r\na\r\n--b--\r\n"),
    (MULTI + "; boundary=b", PART + b"; filename*=x''%ff\r\n\r\na\r\n--b--\r\n"),
    (MULTI + "; boundary=b", PART + b'; filename="\0"\r\n\r\na\r\n--b--\r\n'),
    (MULTI + "; boundary=b", PART + b"\r\nContent-Type: a; charset=x\r\n\r\na\r\n--b--\r\n"),
    (MULTI + "; boundary=b", (PART + b"\r\n\r\na\r\n") * 150 + b"--b--\r\n"),
    (MULTI + "; boundary=b", PART + b"\r\nX: " + b"y" * 100_000 + b"\r\n\r\na\r\n--b--\r\n"),
]  # fmt: skip
FILES = [
    b"", b"\0", bytes(range(256)), b"\xff\xfe", b"\xff\xfe\x00\xd8", b"\xfe\xff\xd8\x00",
    b"\xef\xbb\xbf", b"email\n" + b"a@b.test\n" * 5000, b'email,"' + b"x" * 300_000, b'"' * 9999,
    b"email;name\r\r\n\r\na@b.test;\x00", b"PK\x03\x04" + bytes(200), b"," * 500_000,
    b"e-mail\t\n" * 40_000, b"=cmd|' /C calc'!A0,a@b.test", b"\x85\x1b[2J@evil.test,", b"@," * 9999,
]  # fmt: skip
EVIL = "evil.test"
OFF_SITE = [
    "https://evil.test", "http://evil.test/", "//evil.test", "///evil.test", "////evil.test",
    "/\\evil.test", "\\/evil.test", "\\\\evil.test", "/\\/evil.test", "/\t/evil.test",
    "/\n/evil.test", "/\r/evil.test", "\t//evil.test", " //evil.test", "\n//evil.test",
    "\x00//evil.test", "/\x00/evil.test", "\x0b//evil.test", "http:evil.test", "https:/evil.test",
    "https:///evil.test", "http:\\\\evil.test", "HTTPS://EVIL.TEST", "hTTp://evil.test",
    "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)",
    "data:text/html,<script>", "vbscript:x", "file:///etc/passwd", "ftp://evil.test",
    "mailto:a@evil.test", "//evil.test/login", "//evil.test%2f..", "//user@evil.test",
    "//127.0.0.1:8000@evil.test", "https://127.0.0.1:8000@evil.test/profile",
    "http://127.0.0.1:8000.evil.test/", "//127.0.0.1:8000.evil.test", "/profile//evil.test",
    "/%09/evil.test", "/%0a/evil.test", "/%2f/evil.test", "/%2fevil.test", "/%5cevil.test",
    "/..//evil.test", "/.//evil.test", "/./\\evil.test", "/profile/../..//evil.test",
    "/profile\r\nLocation: //evil.test", "/profile%0d%0aLocation:%20//evil.test",
    "/profile\r\nSet-Cookie: a=b", "//[::1]", "//[evil.test", "//evil。test", "／／evil.test",
    "/／evil.test", "\u202e//evil.test", "\ufeff//evil.test", "//\u00adevil.test", "//evil.test:80",
    "?next=//evil.test", "#//evil.test", "evil.test", ".evil.test", "@evil.test", ":80", "/login",
    "/logout", "/static/../profile", "/t/x/repo", "/gate", "/" + "a" * 5000, "/profile#" + LONG[:9],
    "", "/", "/organizations", "/acme/home?x=//evil.test", "//", "/\\", "\\", "http://", "https:",
]  # fmt: skip
HOSTS = [
    EVIL, "evil.test:8000", "127.0.0.1:8000.evil.test", "127.0.0.1@evil.test", "", "[", "[::1",
    "127.0.0.1:99999", "127.0.0.1:x", "evil.test/..", "evil.test?x", "a" * 3000, "..", "%00",
]  # fmt: skip
HEADERS = [
    {"X-Forwarded-Host": EVIL}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-For": "\" ' <x>"},
    {"X-Forwarded-Prefix": "//evil.test"}, {"X-Forwarded-Port": "x"}, {"Forwarded": f"host={EVIL}"},
    {"X-Original-URI": "//evil.test"}, {"X-Rewrite-URL": "/profile"}, {"X-Original-Host": EVIL},
    {"X-HTTP-Method-Override": "DELETE"}, {"Origin": "https://evil.test"}, {"Origin": "null"},
    {"Referer": "https://evil.test/acme"}, {"Referer": "http://["}, {"Referer": "javascript:x"},
    {"Accept": "application/json"}, {"Accept": "*/*;q=x"}, {"Accept": "," * 5000},
    {"Accept-Language": "\xff;;"}, {"HX-Request": "true"}, {"HX-Request": "true", "HX-Target": "<"},
    {"Content-Length": "x"}, {"Content-Length": "-1"}, {"Content-Length": "9" * 30},
    {"Transfer-Encoding": "chunked"}, {"Content-Encoding": "gzip"}, {"Range": "bytes=9-1,x"},
    {"If-None-Match": "\""}, {"If-Modified-Since": "never"}, {"Authorization": "Basic ====="},
    {"Authorization": "Bearer " + "x" * 9000}, {"Expect": "200-ok"}, {"User-Agent": "\xff\x01"},
]  # fmt: skip
COOKIES = [
    "{name}=", "{name}=x", "{name}=a.b.c", "{name}=.eJw.x.y", "{name}=" + "a" * 9000, "{name}=\xff",
    "{name}=e30.AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAA", "{name}={}; {name}={}", ";;;=", "{name}",
    '{name}="\\400\\000"', "{name}=eyJzaWQiOiJ4In0.", "__Host-usher=x", "=; =;", "{name}=%00%ff",
]  # fmt: skip
CONTENTS = [  # signed by us, as by an older or a broken Usher
    {"sid": ""}, {"sid": "x"}, {"sid": "x" * 3000}, {"sid": ["x"]}, {"sid": {"a": 1}}, {"sid": 7},
    {"sid": None}, {"sid": "\0"}, {"sid": True}, {"other": 1}, {"csrf_token": 7},
    {"csrf_token": ["x"]}, {"_flashes": []},
]  # fmt: skip


def written(value):
    """A value as it stands in a form or a query."""
    return quote_from_bytes(value).encode()
