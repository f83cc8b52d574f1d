"""For all tests: no property fails because the machine was busy; what is slow is found by the timeout."""

from hypothesis import HealthCheck, settings

settings.register_profile("steady", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
