"""The table of bench, in Markdown: a line of text for each workload's entry in the JSON file."""

COLUMNS = ["workload", "peer, ms", "ours, ms", "ratio", "peer, peak MB", "ours, peak MB", "of it",
           "limit, ms: dense / least", "reached: dense / least", "spikes or first loss, peer / ours"]
HEADER = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


def row(name, result):
    """One workload's line; what was not measured is a dash."""
    if result["reduced"]:
        name += f" (here {', '.join(f'{key} {value}' for key, value in result['reduced'].items())})"
    if "missing" in result:
        return f"| {name} | {result['missing']} is not installed: see requirements-dev.txt" + " |" * (len(COLUMNS) - 1)
    peer, ours = (result["median_seconds"][side] for side in ("peer", "ours"))
    memory = [result["peak_mb"][side] for side in ("peer", "ours")] if result["peak_mb"] else None
    cells = [name, _ms(peer), _ms(ours), f"{peer / ours:.1f}×",
             *([f"{memory[0]:.0f}", f"{memory[1]:.0f}", f"{memory[1] / memory[0]:.2f}"] if memory else ["–"] * 3),
             _pair(result["limit_seconds"], _ms), _pair(result["limit_seconds"], lambda limit: f"{limit / ours:.0%}"),
             " / ".join(f"{result['first'][side]:.6g}" for side in ("peer", "ours"))]
    return f"| {' | '.join(cells)} |"


def footer(content):
    """What the table was measured with."""
    versions, machine = content["versions"], content["limits"]
    packages = [f"{name} {versions[name]}" for name in ("torch", "snntorch", "spikingjelly") if name in versions]
    return (f"{content['threads']} thread(s), {', '.join(packages)}; medians, in turns in one process. "
            f"The machine's limits: {machine['float32'] / 1e9:.0f} GFLOP/s in float32, {machine['bf16'] / 1e9:.0f} in "
            f"bf16, memory {machine['memory'] / 1e9:.1f} GB/s.")


def _ms(seconds):
    return f"{seconds * 1e3:.1f}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def _pair(limits, text):
    return " / ".join(dict.fromkeys(text(limits[side]) for side in ("dense", "least")))
