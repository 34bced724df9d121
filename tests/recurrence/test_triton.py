"""Triton's kernels: held to the plain loops by triton_cases.py, compiled for a GPU without one, and chosen on one."""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys

import pytest
import torch
from helpers.place import ROOT
from torch._subclasses import FakeTensorMode

from common import recurrence
from common.nets.mlp import MLP
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19
from common.neurons import LIF, PLIF, LeakyIntegrator, SynapticLIF
from common.recurrence import fused, gpu, norm_lif, norm_pool, plain
from common.recurrence.leak import fused_leak, plain_leak
from common.surrogate import ATan, FastSigmoid, LearntATan, Rectangle

needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
leaks = sys.modules["common.recurrence.leak"]  # the package has a function of that name
SURROGATES = [FastSigmoid(10.0), ATan(2.0), Rectangle(0.5, -0.9)]
TIMES = {"tau_syn": 0.02, "tau_mem": 0.02, "dt": 0.001}


@needs_triton
@pytest.mark.parametrize("where", ["interpreter", "gpu"])
def test_the_kernels_equal_the_plain_loops(where):
    """In a process of its own, as triton is told when it is imported that it is to interpret."""
    if where == "gpu" and not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    told = {"TRITON_INTERPRET": "1" if where == "interpreter" else "0"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "tests/helpers/triton_cases.py"]
    done = subprocess.run(command, env=os.environ | told, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.fixture
def compiled(monkeypatch, tmp_path):
    """What a launch compiles, for compute capability 8.0, in place of running it: [(kernel's name, PTX)]."""
    triton = pytest.importorskip("triton")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    pointers, results = {torch.float32: "*fp32", torch.float64: "*fp64"}, []

    def run(kernel, *arguments, grid, warmup, **named):
        values = dict(zip(kernel.arg_names, arguments, strict=False))
        values |= {name: named.pop(name) for name in kernel.arg_names if name in named}
        signature, constants = {}, {}
        for parameter in kernel.params:
            value = values[parameter.name]
            if isinstance(value, torch.Tensor):
                signature[parameter.name] = pointers[value.dtype]
            elif value is None or parameter.is_constexpr:
                signature[parameter.name], constants[parameter.name] = "constexpr", value
            else:
                signature[parameter.name] = parameter.annotation_type or "i32"
        source = ASTSource(kernel, signature, constants)
        binary = triton.compile(source, target=GPUTarget("cuda", 80, 32), options=named)
        results.append((kernel.__name__, binary.asm["ptx"]))

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(triton.runtime.JITFunction, "run", run)
    return results


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_kernels_compile_for_a_gpu_and_the_forward_pass_fuses_no_multiplication(compiled, dtype):
    triton_lif, triton_leak = gpu.load("triton_lif"), gpu.load("triton_leak")
    current = torch.rand(3, 2, 4, dtype=dtype, requires_grad=True)
    decay = torch.full((4,), 0.9, dtype=dtype, requires_grad=True)
    for surrogate, *rule in zip(SURROGATES, ("zero", "subtract", "zero"), (False, False, True), strict=True):
        sum(triton_lif.lif(current, decay, 1.0, 0.9, surrogate, *rule)).sum().backward()
    triton_lif.lif(current, 0.9, 1.0, 0.9, surrogate, "zero", True, True)[0].sum().backward()
    triton_lif.spikes(current, 0.9, 1.0, 0.9, "subtract", False)
    triton_lif.static_spikes(current[0].expand(3, 2, 4), 0.9, 1.0, 0.9, surrogate, "zero", False).sum().backward()
    for alpha in (decay, 0.9):
        triton_leak.leak(current, alpha, 0.8).sum().backward()
    forwards = [ptx for name, ptx in compiled if name.endswith("forward")]
    assert len(forwards) == 8 and len(compiled) - len(forwards) == 7
    assert all(re.search(r"\bmul\.rn\.f", ptx) and not re.search(r"\bfma\b", ptx) for ptx in forwards)


@pytest.mark.parametrize("installed", [True, False])
def test_a_gpu_s_current_takes_triton_if_it_is_installed_and_the_plain_loop_if_not(monkeypatch, installed):
    monkeypatch.setattr(gpu, "has_triton", lambda: installed)
    monkeypatch.setattr(gpu, "load", lambda name: type("Loops", (), {"name": name, "leak": name}))
    with FakeTensorMode():
        on_gpu, half = (torch.empty(3, 2, 4, dtype=dtype, device="cuda") for dtype in (torch.float32, torch.float16))
    assert leaks._loop(on_gpu) == ("triton_leak" if installed else plain_leak)
    assert leaks._loop(half) is plain_leak and leaks._loop(torch.empty(3, 2, 4)) is fused_leak
    for surrogate in SURROGATES:
        assert getattr(recurrence._compiled(on_gpu, surrogate), "name", None) == ("triton_lif" if installed else None)
        assert recurrence._compiled(half, surrogate) is None
        assert recurrence._compiled(torch.empty(3, 2, 4), surrogate) is fused
    assert recurrence._compiled(on_gpu, LearntATan()) is None


def test_the_cpu_s_fused_layers_leave_a_gpu_s_current_alone():
    neurons = PLIF(), LIF(0.25, 0.4, Rectangle(0.5), "zero")
    for device, runs in (("cpu", True), ("cuda", False)):
        with FakeTensorMode():
            current = torch.empty(2, 2, 3, 4, 4, device=device)
        assert norm_pool.can_run(current, neurons[0]) == norm_lif.can_run(current, neurons[1]) == runs


NETS = {  # name: (the net, an input's shape, the loops of its neurons)
    "plifnet": (lambda: PLIFNet((2, 8, 8), 3, lambda shape: PLIF(shape=shape), 4, 1, 8), (3, 2, 2, 8, 8), 3),
    "resnet19": (lambda: ResNet19((1, 8, 8), 3, lambda: LIF(0.25, 0.4, Rectangle(0.5), "zero", False), 0.4, 4, 4, 8),
                 (2, 2, 1, 8, 8), 18),
    "mlp": (lambda: MLP([5, 4, 3], [SynapticLIF(**TIMES, surrogate=ATan())], LeakyIntegrator(**TIMES), False),
            (3, 2, 5), 3),
}


@pytest.mark.parametrize("name", NETS)
def test_elsewhere_a_net_trains_in_the_plain_loops(monkeypatch, name):
    """On torch's device of shapes alone: whatever handed a tensor to the CPU's kernels would fail."""
    calls, lif = [], plain.lif
    monkeypatch.setattr(plain, "lif", lambda *a: calls.append("lif") or lif(*a))
    monkeypatch.setattr(leaks, "plain_leak", lambda *a: calls.append("leak") or plain_leak(*a))
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())  # it knows no such device
    build, shape, num_loops = NETS[name]
    net = build().to("meta")
    output = net(torch.empty(shape, device="meta"))
    output.sum().backward()
    assert output.device.type == "meta" and all(p.grad is not None for p in net.parameters())
    assert len(calls) == num_loops
