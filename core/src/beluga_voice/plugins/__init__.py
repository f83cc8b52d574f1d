"""Plugins: what is installed, what each of them offers, and what is wrong with them."""

from beluga_voice.plugins.discovery import DISABLED_VARIABLE, GROUP, MODULES_VARIABLE
from beluga_voice.plugins.model import Model
from beluga_voice.plugins.origin import Origin
from beluga_voice.plugins.problems import Problem, ProblemKind
from beluga_voice.plugins.providers import Providers, Registration
from beluga_voice.plugins.registry import Plugin, Plugins
from beluga_voice.plugins.tracing import HookCall

__all__ = [
    "DISABLED_VARIABLE",
    "GROUP",
    "MODULES_VARIABLE",
    "HookCall",
    "Model",
    "Origin",
    "Plugin",
    "Plugins",
    "Problem",
    "ProblemKind",
    "Providers",
    "Registration",
]
