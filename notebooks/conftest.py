"""As tests, the notebooks make smaller runs than for a reader: enough to see that they work."""

import os


def pytest_runtest_setup(item):
    os.environ["SNN_REDUCED"] = "num_epochs=2 subset=200 num_steps=20 spike_time=15 num_iterations=20"


def pytest_runtest_teardown(item):
    del os.environ["SNN_REDUCED"]
