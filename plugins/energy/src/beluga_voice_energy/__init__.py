"""Voice activity by energy over an adaptive noise floor, for beluga-voice; numpy only."""
