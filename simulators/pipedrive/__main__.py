"""`python -m simulators.pipedrive --port 0`."""

from simulators.kit.main import main
from simulators.pipedrive.service import Pipedrive

if __name__ == "__main__":
    main(Pipedrive)
