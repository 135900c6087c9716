"""`python -m connector.engines [COMMAND ...]`: up until Ctrl-C, or while COMMAND runs."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from connector.engines import EngineError, engine_environ, engines
from connector.engines.process import supervised
from connector.settings import Settings, SettingsError, load_settings, process_environ


def main(command: list[str]) -> int:
    signal.signal(signal.SIGTERM, _exit)
    try:
        with engines(load_settings()) as settings:
            return _run(command, settings) if command else _wait(settings)
    except KeyboardInterrupt:
        return 130
    except (EngineError, SettingsError) as exc:
        print(exc, file=sys.stderr)
        return 1


def _wait(settings: Settings) -> int:
    for name, value in engine_environ(settings).items():
        print(f"{name}={value}", flush=True)
    while True:
        signal.pause()


def _run(command: list[str], settings: Settings) -> int:
    """Run it to its end; Ctrl-C reaches it from the terminal, SIGTERM is handed on."""
    # Every child on its own port would otherwise guess another public address from it.
    told = {"PORT": str(settings.port), "PUBLIC_URL": settings.public_url}
    child = supervised(command, environ={**process_environ(), **told, **engine_environ(settings)})
    try:
        return child.wait()
    except KeyboardInterrupt:
        return child.wait()
    except SystemExit:
        child.terminate()
        return child.wait()


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
