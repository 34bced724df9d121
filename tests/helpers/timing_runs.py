"""Small runs of temporal_coding/, and what they leave."""

SMALL = ["num_iterations=130", "hidden_sizes=[12]", "num_inputs=9", "num_steps=20", "spike_time=15", "num_frames=3"]
FIGURES = [".drawn", "loss.png", "membrane.html", "membrane.mp4", "membrane_smoothed.mp4", "spike_timing.png"]


def train(place, *arguments, **others):
    """(run directory, exit status, stdout, stderr) of a small run."""
    return place.attempt("temporal_coding", SMALL, *arguments, **others)
