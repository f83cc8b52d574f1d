"""Making spans whose beginning and end are known: by a host's tracer, or directly where the SDK is ours.

A tracer makes spans to be written while time passes: behind locks, each attribute checked, the sampler asked for
each. Here they are complete when they are made, which costs a third.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, Tracer, set_span_in_context
from opentelemetry.util.types import AttributeValue

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

Attributes = dict[str, AttributeValue]


class Begun(Protocol):
    """A span that was begun; a tracer's, or one of `Completed`."""

    def get_span_context(self) -> SpanContext:
        """Return what names it."""

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add attributes."""

    def set_status(self, status: Status) -> None:
        """Mark how it ended."""

    def end(self, end_time: int | None = None) -> None:
        """End it, at nanoseconds since 1970."""


Begin = Callable[[str, Begun, SpanKind, Attributes, int], Begun]
"""Begins a span: its name, its parent, its kind, its attributes, and when, in nanoseconds since 1970."""


def by_tracer(tracer: Tracer) -> Begin:
    """Make spans by a tracer, whoever's it is."""

    def begin(name: str, parent: Begun, kind: SpanKind, attributes: Attributes, at: int) -> Begun:
        assert isinstance(parent, Span)
        return tracer.start_span(name, set_span_in_context(parent, Context()), kind, attributes, None, at)

    return begin


class Completed:
    """Makes spans of the SDK's, complete, and hands them to what exports.

    Args:
        ended: takes each span.
        ids: draws their names.
        resource: who tells.
        scope: under which name.
    """

    def __init__(
        self,
        ended: Callable[[ReadableSpan], None],
        ids: IdGenerator,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> None:
        from opentelemetry.sdk.trace import ReadableSpan

        self._span = ReadableSpan
        self._ended, self._ids, self._resource, self._scope = ended, ids, resource, scope

    def begin(self, name: str, parent: Begun, kind: SpanKind, attributes: Attributes, at: int) -> Begun:
        """Begin a span within a trace that is sampled."""
        above = parent.get_span_context()
        own = SpanContext(
            above.trace_id, self._ids.generate_span_id(), False, above.trace_flags, above.trace_state
        )
        return _Completing(self, name, own, above, kind, attributes, at)

    def finish(self, span: _Completing, end: int) -> None:
        """Hand a span on."""
        self._ended(
            self._span(
                span.name,
                span.context,
                span.parent,
                self._resource,
                span.attributes,
                kind=span.kind,
                status=span.status,
                start_time=span.start,
                end_time=end,
                instrumentation_scope=self._scope,
            )
        )


_UNSET = Status()


class _Completing:
    """A span that is being put together."""

    __slots__ = ("attributes", "context", "kind", "made_by", "name", "parent", "start", "status")

    def __init__(
        self,
        made_by: Completed,
        name: str,
        context: SpanContext,
        parent: SpanContext,
        kind: SpanKind,
        attributes: Attributes,
        start: int,
    ) -> None:
        self.made_by, self.name, self.context, self.parent = made_by, name, context, parent
        self.kind, self.attributes, self.start, self.status = kind, attributes, start, _UNSET

    def get_span_context(self) -> SpanContext:
        """Return what names it."""
        return self.context

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Add attributes."""
        self.attributes.update(attributes)

    def set_status(self, status: Status) -> None:
        """Mark how it ended."""
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        """Hand it on."""
        self.made_by.finish(self, self.start if end_time is None else end_time)
