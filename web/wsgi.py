"""What a WSGI server serves: Usher on the settings of the environment."""

from web import create_app

app = create_app()
