"""As tests, the notebooks make smaller runs than for a reader: a minute each is enough to see that they work."""

import os

os.environ["SNN_REDUCED"] = "num_epochs=2 subset=200 num_iterations=200"
