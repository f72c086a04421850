"""What `dramatiq workers.queue` runs: the actors, on the app and the queue of the environment."""

import workers
from workflows.engine.app import bare_app

broker = workers.use(bare_app())
