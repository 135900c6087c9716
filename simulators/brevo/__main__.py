"""The simulated Brevo as a process of its own: `python -m simulators.brevo --port 0`."""

from simulators.brevo.service import Brevo
from simulators.kit.main import main

if __name__ == "__main__":
    main(Brevo)
