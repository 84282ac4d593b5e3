"""Bytes that came from somewhere → raw rows, through the formats that files use."""

from __future__ import annotations

from collections.abc import Iterator

from data.formats.parts import Layout, Member, RawRows
from data.mapping import needed_columns
from data.pack import Feed
from data.sources.files import format_of


def layout_of(feed: Feed) -> Layout:
    """What a format must know of a feed."""
    return Layout(needed_columns(feed), feed.source.encoding, feed.source.form)


def member_rows(member: Member, feed: Feed) -> Iterator[RawRows]:
    """Rows of one answer as they came.

    Raises:
        WrongInput: it cannot be understood as a whole.
    """
    yield from format_of(member.name, feed).rows(member, layout_of(feed))
