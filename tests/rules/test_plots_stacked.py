"""Bars made of parts."""

from __future__ import annotations

from entrepot.web import plots


def test_parts_lie_behind_each_other_on_one_scale():
    plot = plots.stacked("p", "Plot", [("jan", {"a": 30, "b": 10}, "4 %"), ("feb", {"b": 20, "c": -5}, "")])
    assert plot.series == ("a", "b", "c"), "the largest first"
    january, february = plot.stacks
    assert [(one.name, one.x, one.length) for one in january.segments] == [("a", 0, 75), ("b", 75, 25)]
    assert [(one.name, one.place, one.x, one.length) for one in february.segments] == [("b", 1, 0, 50)]
    assert (january.figure, february.figure, january.told) == (40, 15, "4 %")


def test_series_by_name_where_they_are_months():
    plot = plots.stacked("p", "Plot", [("x", {"2026-02": 9, "2026-01": 1}, "")], by_name=True)
    assert plot.series == ("2026-01", "2026-02")
    assert plots.stacked("p", "Plot", []).stacks == ()
