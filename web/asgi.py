"""What granian serves in production: Usher, and all patience with slow clients in front of it.

What would surprise a reader: many systems let a process open 1,024 files, which granian's
connections alone use up. The process that serves lets itself open more, where it may.
"""

import resource

from web.patience import Patient
from web.wsgi import app as usher

FILES = 8192


def _allow_files() -> None:
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if resource.RLIM_INFINITY != now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


_allow_files()
app = Patient(usher, longest=usher.config["MAX_CONTENT_LENGTH"])
