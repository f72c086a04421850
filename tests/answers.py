"""An answer as somebody outside can compare it."""

import re

CSRF = re.compile(r'(name="csrf_token" value="|"X-CSRFToken": ")[^"]*"')  # of each second anew


def bare(answer):
    """The text of an answer without its form's token, which tells when it was made."""
    return CSRF.sub("", answer.text)
