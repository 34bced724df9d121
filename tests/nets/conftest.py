"""What the tests of nets choose from."""

import pytest

from common.kernels import event_conv
from common.recurrence import lif_conv


@pytest.fixture(params=["events", "dense"])
def way(request, monkeypatch):
    """Both ways of the second convolution, whatever the density of the spikes."""
    for module, setting in ((event_conv, "DENSITY"), (lif_conv, "DENSITY"), (lif_conv, "CAPACITY")):
        monkeypatch.setattr(module, setting, {"events": 1.0, "dense": 0.0}[request.param])
