"""The mutants of a module: its source with one small fault each, as a careless change would make it. Pure.

Which faults: a comparison with its bound moved or turned round, another operator of arithmetic or logic, a number one
off (a decimal one doubled), a switch the other way, a keyword argument left out, `min` for `max`, a condition of a
comprehension or one arm of a choice ignored, a statement left out. Left out: texts, and whatever stands in a `raise`
(the message is for people); annotations; arguments of decorators; seeds, of which any would do.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDS = {ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt)}
OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    **BOUNDS,
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
    ast.RShift: (ast.LShift,),
}
OPPOSITES = {"min": "max", "any": "all", "minimum": "maximum", "argmin": "argmax", "ceil": "floor", "zeros": "ones"}
OPPOSITES |= {there: here for here, there in OPPOSITES.items()}
SEEDS = ("_SEED", "SEED")


@dataclass(frozen=True)
class _Change:
    tree: ast.Module
    old: ast.AST
    new: ast.AST


@dataclass(frozen=True)
class Mutant:
    """One fault, in the function or constant called ``where``, on some lines: what stood there -> what does."""

    path: str
    where: str
    fault: str
    number: int
    """Of the same fault in the same place, from 1."""
    lines: tuple[int, int]
    inside: bool
    """Whether it is in the function's body: anything else takes effect when the module is imported."""
    change: _Change

    @property
    def source(self) -> ast.Module:
        """The whole module with the fault."""
        changed = _Replace(self.change.old, self.change.new).visit(self.change.tree)
        assert isinstance(changed, ast.Module)
        return changed

    @property
    def name(self) -> str:
        """Says which fault it is, as long as nothing like it is added before it in the same place."""
        again = f" ({self.number})" if self.number > 1 else ""
        return f"{self.path} {self.where}: {self.fault}{again}"


@dataclass(frozen=True)
class _Place:
    """A node with what is around it: its statement, and the outermost function, or else the class and constant."""

    node: ast.AST
    statement: ast.stmt
    where: str
    inside: bool


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's text, in the order of its lines."""
    tree = ast.parse(text)
    seen: Counter[tuple[str, str]] = Counter()
    for place in _places(tree, None, "", ""):
        for changed in _faults(place.node):
            fault = _told(place.node, changed)
            seen[place.where, fault] += 1
            yield Mutant(
                path=path,
                where=place.where,
                fault=fault,
                number=seen[place.where, fault],
                lines=_lines(place.statement),
                inside=place.inside,
                change=_Change(tree, place.node, changed),
            )


def _places(node: ast.AST, statement: ast.stmt | None, function: str, outer: str) -> Iterator[_Place]:
    """Walk what may be changed; ``outer`` names the classes around, with a dot behind each."""
    for child in _changeable(node):
        within, around, name = statement, outer, function
        if isinstance(child, ast.stmt):
            within = child
        if isinstance(child, ast.ClassDef):
            around = f"{outer}{child.name}."
        elif isinstance(child, ast.FunctionDef) and not function:
            name = outer + child.name
        assert within is not None
        inside = bool(name) and not isinstance(within, ast.FunctionDef)
        yield _Place(child, within, name or outer + _constant(within), inside)
        yield from _places(child, within, name, around)


def _constant(statement: ast.stmt) -> str:
    """What an assignment outside of functions makes."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return next((each.id for each in targets if isinstance(each, ast.Name)), "module")


def _changeable(node: ast.AST) -> Iterator[ast.AST]:
    """The children of a node without texts, annotations and decorators."""
    if isinstance(node, (ast.JoinedStr, ast.Raise)) or _is_seed(node):
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, (ast.expr_context, ast.operator, ast.cmpop)):
                yield child


def _is_seed(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(each, ast.Name) and each.id in SEEDS for each in node.targets
    )


def _faults(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            yield from (_changed(node, ops=[other()]) for other in OPERATORS.get(type(operator), ()))
        case ast.Compare(ops=operators):
            for index, operator in enumerate(operators):
                for other in OPERATORS.get(type(operator), ()):
                    yield _changed(node, ops=[*operators[:index], other(), *operators[index + 1 :]])
        case ast.BinOp(op=operator) | ast.BoolOp(op=operator):
            yield from (_changed(node, op=other()) for other in OPERATORS.get(type(operator), ()))
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield _changed(node, value=not value)
        case ast.Constant(value=int(value)):
            yield _changed(node, value=value + 1)
        case ast.Constant(value=float(value)):
            yield _changed(node, value=2 * value or 1.0)
        case ast.Call():
            yield from _calls(node)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (body, orelse)
        case ast.comprehension(ifs=[_, *_]):
            yield _changed(node, ifs=[])
        case (
            ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()) | ast.AugAssign() | ast.Raise() | ast.Continue()
        ):
            yield ast.copy_location(ast.Pass(), node)


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    """A call without one of its keyword arguments, or of the opposite function."""
    for index, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not _is_text(keyword.value):
            yield _changed(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])
    match node.func:
        case ast.Name(id=name) if name in OPPOSITES:
            yield _changed(node, func=ast.copy_location(ast.Name(OPPOSITES[name], ast.Load()), node.func))
        case ast.Attribute(attr=name) if name in OPPOSITES:
            yield _changed(node, func=_changed(node.func, attr=OPPOSITES[name]))


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return ast.fix_missing_locations(new)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self._new if node is self._old else self.generic_visit(copy.copy(node))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [self.visit(each) if isinstance(each, ast.AST) else each for each in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, of a compound one those of its head."""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return statement.lineno, max(statement.lineno, last)


def _told(node: ast.AST, changed: ast.AST) -> str:
    """What stood there, and what stands there now."""
    if isinstance(node, ast.Call) and isinstance(changed, ast.Call) and len(changed.keywords) < len(node.keywords):
        [left_out] = (each.arg for each in node.keywords if each not in changed.keywords)
        return f"{_short(node.func)}(...) -> without {left_out}="
    return f"{_short(node)} -> {_short(changed)}"


def _short(node: ast.AST) -> str:
    """The code of a node, cut so that a line holds it and its change."""
    code = " ".join(ast.unparse(node).split()) if not isinstance(node, ast.Pass) else "nothing"
    return code if len(code) <= 90 else f"{code[:60]}…{code[-29:]}"
