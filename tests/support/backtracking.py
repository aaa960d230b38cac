"""Which regular expressions of the standard library can take more than linear time, told from how they are written.

Weber and Seidl, "On the degree of ambiguity of finite automata": a machine that never has two ways to read a text goes
back over a character a bounded number of times. Two ways round one loop double the steps with each character, and two loops
in a row that read the same text multiply them. The machine is Glushkov's, one state for each place in the expression that
reads a character, so the rules see the expression as it is, and not what some trial texts happen to show.

On the safe side: every repeat counts as endless, possessive ones as ordinary. On the other: lookarounds count as holding.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

# The library's own parser, which it does not show.
_compiler, _constants, _parser = (import_module(f"re.{part}") for part in ("_compiler", "_constants", "_parser"))

LETTERS = [*map(chr, range(256)), "\u0131", "\u017f", "\u2028", "\u212a", "\ud800", "\uffff"]
REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)
BEFORE = -1  # the state of a search that has not begun to match
Part = tuple[bool, list[int], list[int]]  # may it be empty; the states that it begins and that it ends with


class Machine:
    def __init__(self, expression: str | bytes, flags: int = 0, *, searched: bool) -> None:
        self.reads: dict[int, int] = {}  # the letters that a state reads, as bits
        self.edges: Counter[tuple[int, int]] = Counter()  # in how many ways a state follows another
        tree = _parser.parse(expression, flags)
        self.flags = tree.state.flags
        self.tree = tree
        _, first, last = self._sequence(tree)
        self.accepting = set(last)
        begins = tree.data[:1] == [(_constants.AT, _constants.AT_BEGINNING)] and not self.flags & re.MULTILINE
        if searched and not begins:
            self.reads[BEFORE] = (1 << len(LETTERS)) - 1
            self.edges.update({(BEFORE, state): 1 for state in [BEFORE, *first]})
        self.after: dict[int, list[int]] = {state: [] for state in self.reads}
        for state, following in self.edges:
            self.after[state].append(following)
        self.loops = {state: loop for state in self.reads if (loop := self._loop(state))}

    def _sequence(self, nodes: Iterable[Any]) -> Part:
        whole: Part = (True, [], [])
        for node in nodes:
            whole = self._joined(whole, self._part(*node))
        return whole

    def _joined(self, left: Part, right: Part) -> Part:
        self._follow(left[2], right[1])
        first = left[1] + right[1] if left[0] else left[1]
        last = left[2] + right[2] if right[0] else right[2]
        return left[0] and right[0], first, last

    def _follow(self, last: list[int], first: list[int]) -> None:
        self.edges.update((state, following) for state in last for following in first)

    def _part(self, kind: Any, value: Any) -> Part:
        match kind:
            case _constants.MAX_REPEAT | _constants.MIN_REPEAT | _constants.POSSESSIVE_REPEAT:
                return self._repeated(*value)
            case _constants.SUBPATTERN:
                return self._sequence(value[3])
            case _constants.ATOMIC_GROUP:
                return self._sequence(value)
            case _constants.BRANCH:
                parts = [self._sequence(each) for each in value[1]]
                first = [state for _, firsts, _ in parts for state in firsts]
                last = [state for _, _, lasts in parts for state in lasts]
                return any(empty for empty, _, _ in parts), first, last
            case _constants.AT:  # an end reads nothing, and may fail
                begins = value in {_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING}
                return (True, [], []) if begins else self._state(0)
            case _constants.ASSERT | _constants.ASSERT_NOT:
                if any(each[0] in REPEATS and each[1][1] is _constants.MAXREPEAT for each in value[1]):
                    raise ValueError("a repeat in a lookaround is not looked into")
                return True, [], []
            case _constants.GROUPREF | _constants.GROUPREF_EXISTS:
                raise ValueError("a reference to a group takes any time")
        return self._state(self._letters((kind, value)))

    def _repeated(self, least: int, most: int, body: Any) -> Part:
        empty, first, last = self._sequence(body)
        if most > 1:
            self._follow(last, first)
        return empty or least == 0, first, last

    def _letters(self, node: Any) -> int:
        """Return the letters that a part reads one of, as the library itself sees them."""
        one = _compiler.compile(_parser.SubPattern(self.tree.state, [node]), self.flags)
        is_bytes = isinstance(self.tree.state.str, bytes)
        letters = [each.encode("latin-1") for each in LETTERS[:256]] if is_bytes else LETTERS
        return sum(1 << bit for bit, letter in enumerate(letters) if one.fullmatch(letter))

    def _state(self, reads: int) -> Part:
        state = len(self.reads)
        self.reads[state] = reads
        return False, [state], [state]

    def _loop(self, state: int) -> set[int]:
        """Return the states on ways from a state back to itself."""
        forward = _reached(self.after[state], self.after.__getitem__)
        return {each for each in forward if state in _reached(self.after[each], self.after.__getitem__)}

    def ambiguities(self) -> Iterator[str]:
        for state, loop in self.loops.items():
            if any(self.edges[one, other] > 1 for one in loop for other in loop):
                yield "a repeat in a repeat"
            if self._two_ways(state, loop):
                yield "a loop with two ways through one text"
        for first, outer in self.loops.items():
            for second, inner in self.loops.items():
                searched = first == BEFORE
                if first == second or (searched and self.accepting & inner):
                    continue  # a search that can end wherever it is goes back over nothing
                if self._in_a_row(first, outer, second, inner):
                    yield "begun anew in its own loop" if searched else "two loops in a row that read the same text"

    def _two_ways(self, state: int, loop: set[int]) -> bool:
        begin = (state, state)
        steps = self._steps(loop, loop)
        apart = {pair for pair in _reached(steps(begin), steps) if pair[0] != pair[1]}
        return any(begin in _reached(steps(pair), steps) for pair in apart)

    def _in_a_row(self, first: int, outer: set[int], second: int, inner: set[int]) -> bool:
        steps = self._steps(outer, set(self.reads), inner)
        begin = (first, first, second)
        return (first, second, second) in _reached(steps(begin), steps)

    def _steps(self, *within: set[int]) -> Callable[[tuple[int, ...]], list[tuple[int, ...]]]:
        """Return what one letter makes of several states at once, each of which stays within its set."""

        def steps(states: tuple[int, ...]) -> list[tuple[int, ...]]:
            found: list[tuple[tuple[int, ...], int]] = [((), -1)]
            for state, allowed in zip(states, within, strict=True):
                found = [
                    ((*done, following), common)
                    for done, letters in found
                    for following in self.after[state]
                    if following in allowed and (common := letters & self.reads[following])
                ]
            return [done for done, _ in found]

        return steps


def _reached(begin: Iterable[Any], steps: Callable[[Any], Iterable[Any]]) -> set[Any]:
    seen = set(begin)
    waiting = deque(seen)
    while waiting:
        for each in steps(waiting.popleft()):
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return seen


def slow(expression: str | bytes, flags: int = 0, *, searched: bool) -> set[str]:
    """Return why an expression may take more than linear time, nothing when it cannot.

    ``searched`` tells that it may begin anywhere in a text, as with ``search`` and ``sub``, not only at its start.
    """
    return set(Machine(expression, flags, searched=searched).ambiguities())
