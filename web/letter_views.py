"""How a letter is shown inside a page: in a frame that may run nothing and reach nothing.

A letter brings its own inline styles, which no other page of ours may. So its HTML has an address
and a policy of its own, and the page around it shows it in a sandbox.
"""

from __future__ import annotations

from flask import Response, make_response, render_template

from web.headers import POLICY

MAY_FRAME = f"{POLICY}; frame-src 'self'"
SANDBOX = "allow-popups allow-top-navigation-by-user-activation"
LETTER_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
        f"sandbox {SANDBOX} allow-popups-to-escape-sandbox",
    )
)


def around(template: str, **facts: object) -> Response:
    """A page that may show a letter in a frame."""
    response = make_response(render_template(template, sandbox=SANDBOX, **facts))
    response.headers["Content-Security-Policy"] = MAY_FRAME
    return response


def as_html(html: str) -> Response:
    """The letter alone; its links leave the frame."""
    response = make_response(html.replace("<head>", '<head><base target="_top">', 1))
    response.headers["Content-Security-Policy"] = LETTER_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def as_text(text: str) -> Response:
    response = make_response(text)
    response.content_type = "text/plain; charset=utf-8"
    return response
