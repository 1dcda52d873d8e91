"""Trees of nodes, each of which may name any parent."""

from collections.abc import Iterator
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from query_api.sessions.task_tree import DEPTH_MAX, TaskNode, TaskNodeRow, tree_of


def row(kind: str, name: str, parent: str = "", started: int | None = 0, ended: int | None = None) -> TaskNodeRow:
    """Return a node; fields that do not affect its place have defaults."""
    return TaskNodeRow(UUID(int=1), kind, name, "", "running", started, ended, None, "", parent, 0, 1)


ids = st.sampled_from(["a", "b", "c", "d", "e"])
times = st.none() | st.integers(0, 5)
rows = st.lists(
    st.builds(row, st.sampled_from(["subagent", "task", "tool"]), ids, ids | st.just(""), times, times),
    max_size=15,
    unique_by=lambda one: (one.kind, one.task_id),
)


@given(rows)
def test_every_node_is_in_the_tree_once(nodes: list[TaskNodeRow]) -> None:
    """Its parent may be known or unknown, itself, or one of its own children: no node is lost or repeated."""
    found = [(node.kind, node.id) for node in _all(tree_of(nodes))]

    assert sorted(found) == sorted((node.kind, node.task_id) for node in nodes)


@given(rows)
def test_children_are_under_the_parent_they_name(nodes: list[TaskNodeRow]) -> None:
    """A node at the top names no parent, an unknown one, or one that is not connected to the top."""
    tree = tree_of(nodes)

    for parent in _all(tree):
        assert all(child.parent_task_id == parent.id for child in parent.children)
    known = {node.task_id for node in nodes}
    for node in tree:
        assert not node.parent_task_id or node.parent_task_id not in known or _in_circle(node, nodes)


@given(rows, st.randoms())
def test_the_order_of_rows_does_not_matter_without_circles(nodes: list[TaskNodeRow], random: object) -> None:
    """Siblings are in order of time, then of kind and id."""
    shuffled = list(nodes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random

    assert tree_of(shuffled) == tree_of(nodes)


def test_an_agents_work_is_under_it_in_order_of_time() -> None:
    """Tools and tasks are in order of time, by their end if the start is unknown; those without a time come last."""
    tree = tree_of(
        [
            row("tool", "late", "agent", 9),
            row("tool", "half", "agent", None, 5),
            row("task", "early", "agent", 1),
            row("tool", "never", "agent", None),
            row("subagent", "agent", started=3),
            row("tool", "orphan", "gone", 2),
        ]
    )

    assert [node.id for node in tree] == ["orphan", "agent"]
    assert [node.id for node in tree[1].children] == ["early", "half", "late", "never"]


def test_a_circle_is_cut_and_a_deep_chain_ends() -> None:
    """Both can be encoded, although the nesting of a response is limited."""
    circle = [row("subagent", "a", "b"), row("subagent", "b", "a"), row("subagent", "c", "c")]
    chain = [row("subagent", str(n), str(n - 1) if n else "", n) for n in range(5000)]

    assert sorted(node.id for node in _all(tree_of(circle))) == ["a", "b", "c"]
    assert len(list(_all(tree_of(chain)))) == 5000
    assert max(map(_depth, tree_of(chain))) <= DEPTH_MAX
    assert msgspec.json.encode(tree_of(chain))


def _all(nodes: list[TaskNode]) -> Iterator[TaskNode]:
    for node in nodes:
        yield node
        yield from _all(node.children)


def _depth(node: TaskNode) -> int:
    return 1 + max(map(_depth, node.children), default=0)


def _in_circle(node: TaskNode, nodes: list[TaskNodeRow]) -> bool:
    """Return whether the path up from a node returns to a node on it."""
    parents = {(one.kind, one.task_id): one.parent for one in nodes}
    at: tuple[str, str] | None = (node.kind, node.id)
    seen = set()
    while at is not None and at not in seen:
        seen.add(at)
        named = parents[at]
        at = next(((kind, named) for kind in ("subagent", "task", "tool") if (kind, named) in parents and named), None)
    return at is not None
