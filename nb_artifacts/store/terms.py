"""Conditions of a query, and the parameters they name: what both dialects of SQL have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nb_artifacts.wire import Operator

if TYPE_CHECKING:
    from typing_extensions import Self


class Terms:
    """Conditions and their parameters, in the order of the text."""

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.values: list[Any] = []

    def add(self, term: str, *values: Any) -> None:
        """One more condition."""
        self.terms.append(term)
        self.values.extend(values)

    def nest(self, other: Self, joined: str) -> None:
        """Take over another's conditions as one."""
        if other.terms:
            self.add("(" + joined.join(f"({term})" for term in other.terms) + ")", *other.values)

    def sql(self) -> str:
        """The WHERE clause, or nothing."""
        return f" WHERE {' AND '.join(self.terms)}" if self.terms else ""


def joined_by(operator: Operator | None) -> str:
    """The word between the conditions of a filter."""
    return " OR " if operator is Operator.or_ else " AND "
