"""Metrics as TensorBoard events."""

import contextlib
import re
import shlex
import time

PER_LAYER = ("threshold", "firing_rate", "silent_share", "saturated_share", "tau_mean", "tau_std")
LONGEST = 120  # letters of a run's name
IMMATERIAL = ("data_dir=", "device=", "exp_name=", "num_frames=", "num_trials=")


def name_of(command):
    """What a run is called beside others: what its command says of the settings, without brackets and slashes."""
    said = [word for word in shlex.split(command)[2:] if "=" in word and not word.startswith(IMMATERIAL)]
    return re.sub(r"[^\w=.,+ -]", "", " ".join(said))[:LONGEST].strip() or "as in conf"


def tag_of(key, held_out="val"):
    """The tag of a column of metrics.csv, GROUP/NAME; TensorBoard sorts groups, so that accuracy comes first.

    held_out: what the columns val_... are of.
    """
    if split := re.fullmatch("(train|val)_(accuracy|loss)", key):
        return f"{split[2]}/{held_out if split[1] == 'val' else 'train'}"
    if layer := re.fullmatch(f"({'|'.join(PER_LAYER)})_(.+)", key):
        return f"{layer[1]}/{layer[2]}"
    return {"hit_share": "accuracy/in_time", "mse": "loss/mse_over_squared_peak"}.get(key, f"training/{key}")


@contextlib.contextmanager
def writing(path, num_iterations, held_out="val"):
    """A context that yields write(row), for an epoch's row of metrics, and write_loss(iteration, loss), for a batch's.

    All are written as scalars over iterations.  num_iterations: how many stand; what was written of later ones before
    is void.  Not by torch's SummaryWriter, whose own thread would fail unnoticed when the disk is full.
    """
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # slow to import
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    path.mkdir(parents=True, exist_ok=True)
    with open(path / f"events.out.tfevents.{time.time_ns()}", "wb", buffering=0) as file:
        writer = RecordWriter(file)

        def write_event(**content):
            try:
                writer.write(Event(wall_time=time.time(), **content).SerializeToString())
            except OSError as error:
                raise OSError(f"cannot write {file.name}: {error.strerror}") from error

        def write_scalars(iteration, scalars):
            values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
            write_event(step=iteration, summary=Summary(value=values))

        def write(row):
            scalars = {tag_of(key, held_out): row[key] for key in row if key not in ("trial", "iteration")}
            write_scalars(row["iteration"], scalars)

        write_event(file_version="brain.Event:2")
        write_event(step=num_iterations + 1, session_log=SessionLog(status=SessionLog.START))
        yield write, lambda iteration, loss: write_scalars(iteration, {"loss/batch": loss})
