"""Ids of events."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from beatline.events import client_event_id, uuid7


def test_uuid7_is_one_and_sorts_by_time() -> None:
    ids = [uuid7() for _ in range(1_000)]
    assert len(set(ids)) == len(ids)
    assert {(item.version, item.variant) for item in ids} == {(7, "specified in RFC 4122")}
    milliseconds = [item.int >> 80 for item in ids]
    assert milliseconds == sorted(milliseconds)


@given(st.uuids())
def test_a_uuid_stays_itself_in_any_spelling(given_id: UUID) -> None:
    assert client_event_id(1, str(given_id)) == client_event_id(1, str(given_id).upper()) == given_id


@given(st.text(min_size=1, max_size=200), st.integers(1, 5), st.integers(6, 9))
def test_another_text_gets_the_same_id_each_time_but_not_in_another_project(
    text: str, project: int, other: int
) -> None:
    assert client_event_id(project, text) == client_event_id(project, text)
    if len(text) != 36:
        assert client_event_id(project, text) != client_event_id(other, text)
