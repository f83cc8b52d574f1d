"""Journals: what a session observed and decided, kept so that it can be replayed, explained and tried otherwise.

    from beluga_voice.journal.reader import read_journal
    from beluga_voice.journal.replay import replay

    assert not replay(read_journal(Path("call.jsonl")))

Each part is a module of its own; a session loads the writer alone.
"""
