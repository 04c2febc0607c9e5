"""Golly's .rule files: a name, then the rule as a table of transitions or as a decision tree, and its colours.

Of @TABLE and @TREE the first one counts. @ICONS, @NAMES and sections not known are passed over, as in Golly.
Source: Golly's help, "File formats: .rule".
"""

from __future__ import annotations

from dataclasses import replace

from sim.life import ruletable, ruletree
from sim.life.pattern import PatternError
from sim.life.ruletree import TreeRule


def parse(text: str) -> TreeRule:
    """The rule of a file. Raises `PatternError` with line and column, `RuleError` if the rule is too large."""
    lines = text.removeprefix("\ufeff").splitlines()
    name = _name(lines)
    sections = _sections(lines)
    which = next((key for key in sections if key in ("@TABLE", "@TREE")), None)
    if which is None:
        raise PatternError(f"rule {name}: has neither @TABLE nor @TREE", 1, 1)
    start, body = sections[which]
    if which == "@TREE":
        rule = ruletree.read(body, start, name)
    else:
        rule = ruletree.compiled(ruletable.read(body, start), name)
    return replace(rule, colours=_colours(sections.get("@COLORS", (0, []))[1], rule.num_states))


def table(text: str) -> ruletable.Table:
    """The table of a file as written, not compiled. Raises `PatternError`, also if there is none."""
    lines = text.removeprefix("\ufeff").splitlines()
    name = _name(lines)
    if "@TABLE" not in _sections(lines):
        raise PatternError(f"rule {name}: has no @TABLE", 1, 1)
    start, body = _sections(lines)["@TABLE"]
    return ruletable.read(body, start)


def _name(lines: list[str]) -> str:
    words = lines[0].split() if lines else []
    if len(words) != 2 or words[0] != "@RULE":
        raise PatternError("a rule file must begin with @RULE and a name", 1, 1)
    return words[1]


def _sections(lines: list[str]) -> dict[str, tuple[int, list[str]]]:
    """For each section, in order, the number of its first line and its lines; of equal names the first."""
    heads = [i for i, line in enumerate(lines) if line[:1] == "@" and line[1:2].isupper()]
    sections: dict[str, tuple[int, list[str]]] = {}
    for head, end in zip(heads, heads[1:] + [len(lines)], strict=True):
        sections.setdefault(lines[head].split()[0], (head + 2, lines[head + 1 : end]))
    return sections


def _colours(lines: list[str], num_states: int) -> tuple[tuple[int, int, int, int], ...]:
    """State, red, green, blue of the lines that give them; a gradient of six numbers covers states 1 and up."""
    colours: dict[int, tuple[int, int, int]] = {}
    for line in lines:
        numbers: list[int] = []
        for word in line.split("#")[0].split():
            if not word.isdecimal() or int(word) > 255 or len(numbers) == 6:
                break
            numbers.append(int(word))
        if len(numbers) == 6:
            steps = max(num_states - 2, 1)
            for state in range(1, num_states):
                part = (state - 1) / steps
                ends = zip(numbers[:3], numbers[3:], strict=True)
                red, green, blue = (round(a + (b - a) * part) for a, b in ends)
                colours[state] = (red, green, blue)
        elif len(numbers) >= 4 and numbers[0] < num_states:
            colours[numbers[0]] = (numbers[1], numbers[2], numbers[3])
    return tuple((state, *colour) for state, colour in sorted(colours.items()))
