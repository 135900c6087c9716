"""What all simulators share: a server, faults on demand, a log of calls, an OAuth server, a page to
look at.

from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import Simulator, route
from simulators.kit.server import running
from simulators.kit.main import main
"""
