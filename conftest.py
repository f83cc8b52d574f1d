"""For all tests: none fails because the machine was busy, or because it was started in the background."""

import signal
import threading

from hypothesis import HealthCheck, settings

settings.register_profile("steady", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# A shell that runs a command in the background has it ignore Ctrl-C; tests of Ctrl-C send themselves one.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
