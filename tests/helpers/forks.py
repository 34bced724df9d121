"""Commands that start at once: forks of a process that has imported the packages, and nothing of common/.

A fork prints, ends and can be killed as `python run.py ...` does. Processes that start from nothing are those of
the notebooks and of test_cold_start.py.
"""

import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile

PACKAGES = ["torch._dynamo", "numba", "tensorboard.summary", "matplotlib.backends.backend_agg", "matplotlib.animation",
            "scipy.sparse", "h5py", "requests"]
SECONDS = 300  # after which a command is ended
UNSET = {"NUMBA_NUM_THREADS", "SNN_DATA", "no_proxy", "NO_PROXY", "KILL"}
NOWHERE = "http://127.0.0.1:9"  # a proxy that refuses: nothing is downloaded
SET = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "http_proxy": NOWHERE, "https_proxy": NOWHERE}


class Fork:
    """A running `python SCRIPT ...`; like subprocess.Popen, as far as the tests need it."""

    def __init__(self, arguments, folder, environment):
        """arguments: the script and what it is given.  environment: what is set beside SET."""
        self._stderr = tempfile.TemporaryFile("w+")
        (stdout, out), (status, says) = os.pipe(), os.pipe()
        message = json.dumps([arguments, str(folder), environment]).encode()
        socket.send_fds(_server()[0], [message], [out, self._stderr.fileno(), says])
        os.close(out), os.close(says)
        self.stdout, self._status, self.returncode = open(stdout), open(status), None
        self._pid = int(self._status.readline())

    def communicate(self):
        """(stdout, stderr) once it has ended."""
        with self.stdout, self._status, self._stderr:
            stdout, self.returncode = self.stdout.read(), int(self._status.readline())
            self._stderr.seek(0)
            return stdout, self._stderr.read()

    def send_signal(self, number):
        if self.returncode is None:
            os.kill(self._pid, number)


@functools.cache
def _server():
    """(a socket to the process that forks, that process)."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    inherited = {key: value for key, value in os.environ.items() if key not in UNSET}
    with theirs:
        return ours, subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=inherited | SET,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # as in a terminal


def _serve(connection):
    """Fork at each message; returns in the fork, which has the streams, folder, arguments and environment of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child = False
    while not child:
        message, streams, *_ = socket.recv_fds(connection, 2**16, 3)
        if not message:
            sys.exit()
        child = os.fork() == 0
        if not child:
            for stream in streams:
                os.close(stream)
    connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stdout, stderr, status = streams
    if pid := os.fork():  # waits for the command, which the server has no time for
        os.write(status, f"{pid}\n".encode())
        os.write(status, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
        os._exit(0)
    os.dup2(stdout, 1), os.dup2(stderr, 2)
    for stream in streams:
        os.close(stream)
    sys.argv, sys.path[0], environment = json.loads(message)
    os.environ.update(environment)
    os.chdir(sys.path[0])
    signal.alarm(SECONDS)


if __name__ == "__main__":
    for package in PACKAGES:
        importlib.import_module(package)
    gc.collect(), gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_path(sys.argv[0], run_name="__main__")
