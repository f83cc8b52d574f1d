"""A session over a speech-to-speech model: its link to the model, and the model as STT, TTS and LLM."""
