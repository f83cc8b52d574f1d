"""The conversation as both sides heard it."""

from __future__ import annotations

from beluga_voice.conversation import Conversation, Message, Role


def test_messages_stand_in_the_order_in_which_they_became_certain() -> None:
    conversation = Conversation()
    conversation.commit_utterance(0, "Hello.", interrupted=False)
    conversation.commit_turn(1, "What is the time")
    conversation.commit_utterance(1, "It is", interrupted=True)
    assert conversation.messages == (
        Message(Role.AGENT, "Hello.", 0),
        Message(Role.CALLER, "What is the time", 1),
        Message(Role.AGENT, "It is", 1, interrupted=True),
    )


def test_a_turn_that_goes_on_is_one_message_with_both_parts() -> None:
    conversation = Conversation()
    conversation.commit_turn(1, "I would like")
    conversation.commit_turn(1, "I would like a loaf of bread")
    assert [m.text for m in conversation.messages] == ["I would like a loaf of bread"]


def test_a_turn_that_goes_on_replaces_its_own_words_only() -> None:
    conversation = Conversation()
    conversation.commit_turn(1, "Hi")
    conversation.commit_utterance(1, "Hello.", interrupted=False)
    conversation.commit_turn(2, "I would like")
    conversation.commit_turn(2, "I would like bread")
    assert [m.text for m in conversation.messages] == ["Hi", "Hello.", "I would like bread"]


def test_what_nobody_heard_is_no_message() -> None:
    conversation = Conversation()
    conversation.commit_utterance(1, "", interrupted=True)
    assert conversation.messages == ()


def test_a_snapshot_does_not_change() -> None:
    conversation = Conversation()
    before = conversation.messages
    conversation.commit_turn(1, "Hi")
    assert before == ()


def test_a_session_that_is_started_again_keeps_what_was_said_under_the_same_numbers() -> None:
    conversation = Conversation()
    conversation.commit_turn(1, "Hi")
    conversation.begin_run()
    conversation.commit_turn(1, "I would like")
    conversation.commit_turn(1, "I would like bread")
    assert [m.text for m in conversation.messages] == ["Hi", "I would like bread"]


def test_a_turn_is_supposed_in_the_place_that_it_would_have_and_not_added() -> None:
    conversation = Conversation()
    conversation.commit_turn(1, "what time is it")
    conversation.commit_utterance(1, "It is", interrupted=True)
    before = conversation.messages
    supposed = conversation.supposing(1, "what time is it in Paris")
    assert conversation.messages == before
    conversation.commit_turn(1, "what time is it in Paris")
    assert supposed == conversation.messages
