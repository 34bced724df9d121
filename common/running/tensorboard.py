"""Metrics as TensorBoard events."""

import contextlib
import time


@contextlib.contextmanager
def writing(path, num_epochs):
    """A context that yields a function which writes an epoch's row of metrics as TensorBoard scalars.

    num_epochs: how many epochs stand; what was written of later ones before is void.
    Not by torch's SummaryWriter, whose own thread would fail unnoticed when the disk is full.
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

        def write_row(row):
            values = [Summary.Value(tag=key, simple_value=row[key]) for key in row if key not in ("trial", "epoch")]
            write_event(step=row["epoch"], summary=Summary(value=values))

        write_event(file_version="brain.Event:2")
        write_event(step=num_epochs + 1, session_log=SessionLog(status=SessionLog.START))
        yield write_row
