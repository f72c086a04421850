"""What `dramatiq workers.queue` runs: the actors, on the app and the queue of the environment."""

import workers
from workflows.engine import logs
from workflows.engine.app import bare_app

app = bare_app()
logs.begin(app.extensions["usher"])
broker = workers.use(app)
