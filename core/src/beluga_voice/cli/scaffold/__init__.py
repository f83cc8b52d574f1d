"""What ``beluga-voice new-plugin`` writes."""
