"""What granian serves in production: Usher, and all patience with slow clients in front of it."""

from web.patience import Patient
from web.wsgi import app as usher

app = Patient(usher, longest=usher.config["MAX_CONTENT_LENGTH"])
