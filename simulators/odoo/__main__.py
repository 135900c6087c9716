"""The simulated Odoo as a process of its own: `python -m simulators.odoo --port 0`."""

from simulators.kit.main import main
from simulators.odoo.service import Odoo

if __name__ == "__main__":
    main(Odoo)
