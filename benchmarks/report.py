"""Figures as tables: the numbers of this run, and beside them the ratios that outlive it."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Spent:
    """What some work took: wall clock and this process's CPU, in seconds."""

    wall_s: float
    cpu_s: float


def spent(work: Callable[[], object]) -> Spent:
    """What `work` takes, once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - cpu)


def median(figures: Sequence[float]) -> float:
    """The median; with few rounds on a busy machine a mean would tell of the neighbours."""
    return statistics.median(figures)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """One table on the terminal; all columns but the first are numbers."""
    made = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        made.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        made.add_row(*row)
    Console(width=None if os.isatty(1) else 110).print(made)


def machine() -> str:
    """What the figures were taken on. The load tells whether it was alone."""
    model = "unknown processor"
    with_models = Path("/proc/cpuinfo")
    if with_models.exists():
        lines = with_models.read_text(encoding="utf-8").splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} x {model}, {platform.system()}, {python}, load {load}"
