"""The pytest plugin: async tests on virtual or real time, and no task left behind."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.clock import VirtualTimeLoop

pytest_plugins = ["pytester"]


async def test_async_tests_run_on_virtual_time() -> None:
    assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop)


@pytest.mark.real_time
async def test_marked_tests_run_on_real_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)


@pytest.mark.parametrize("number", [7])
async def test_fixtures_and_parameters_reach_async_tests(number: int, tmp_path: object) -> None:
    assert number == 7
    assert tmp_path is not None


class TestMethods:
    async def test_async_methods_run(self) -> None:
        assert asyncio.current_task() is not None


@given(seconds=st.integers(1, 1000))
@settings(max_examples=5, deadline=None)
async def test_each_example_has_a_loop_of_its_own(seconds: int) -> None:
    assert asyncio.get_running_loop().time() == 0
    await asyncio.sleep(seconds)


def outcomes(pytester: pytest.Pytester, test: str) -> tuple[dict[str, int], str]:
    pytester.makepyfile(test)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return result.parseoutcomes(), result.stdout.str()


def test_a_task_left_running_fails_the_test_by_name(pytester: pytest.Pytester) -> None:
    counts, output = outcomes(
        pytester,
        """
        import asyncio

        async def test_leaves_a_task():
            asyncio.create_task(asyncio.sleep(1), name="the forgotten one")
        """,
    )
    assert counts == {"failed": 1}
    assert "the test left 1 task(s) running: the forgotten one" in output


def test_a_failing_test_fails_for_its_own_reason(pytester: pytest.Pytester) -> None:
    counts, output = outcomes(
        pytester,
        """
        import asyncio

        async def test_fails():
            asyncio.create_task(asyncio.sleep(1), name="the forgotten one")
            assert 1 == 2
        """,
    )
    assert counts == {"failed": 1}
    assert "assert 1 == 2" in output
    assert "LeftoverTaskError" not in output


def test_a_failing_example_is_found_in_an_async_property(pytester: pytest.Pytester) -> None:
    counts, output = outcomes(
        pytester,
        """
        from hypothesis import given, settings, strategies as st

        @given(number=st.integers(0, 3))
        @settings(database=None, deadline=None)
        async def test_fails(number):
            assert number < 3
        """,
    )
    assert counts == {"failed": 1}
    assert "number=3" in output


def test_the_plugin_loads_no_more_than_pytest_and_the_clock() -> None:
    code = """
import sys, pytest, beluga_voice.clock
before = set(sys.modules)
import beluga_voice.testing.pytest_plugin
print(*sorted(name for name in set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    allowed = {"beluga_voice.testing", "beluga_voice.testing.pytest_plugin"}
    assert set(done.stdout.split()) <= allowed
