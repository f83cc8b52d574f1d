"""Settings from command line, environment, ``.env``, an agent's own choices and ``beluga.toml``, each sourced."""

from beluga_voice.settings.model import Settings
from beluga_voice.settings.selection import Selection
from beluga_voice.settings.show import Shown, show
from beluga_voice.settings.tables import read_table
from beluga_voice.settings.values import LISTS, SLOTS, Setting, Values

__all__ = ["LISTS", "SLOTS", "Selection", "Setting", "Settings", "Shown", "Values", "read_table", "show"]
