"""What a WSGI server serves: Usher on the settings of the environment."""

from web import create_app, presence
from workflows.engine import logs

app = create_app()
logs.begin(app.extensions["usher"])
presence.tell_from_first_request(app)
