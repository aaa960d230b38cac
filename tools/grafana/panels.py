"""Functions that make panels of each kind, with the settings that all panels of the kind share."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from grafana_foundation_sdk.models import bargauge, common, prometheus, stat, statetimeline, table, timeseries

from grafana.look import PLAIN, steps
from grafana.schema import model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog import variants as cogvariants

SOURCE = common.DataSourceRef("prometheus", "${datasource}")

_DASHED = common.GraphThresholdsStyleConfig(common.GraphThresholdsStyleMode.DASHED)
_MULTI = common.VizTooltipOptions(common.TooltipDisplayMode.MULTI, common.SortOrder.DESCENDING)


class Link(NamedTuple):
    """The target of a click."""

    title: str
    url: str
    new_tab: bool = False

    def as_data_link(self) -> dict[str, object]:
        """Return it as a data link of a field."""
        return {"title": self.title, "url": self.url, "targetBlank": self.new_tab}


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _query(place: int, expression: str, **more: Any) -> prometheus.Dataquery:
    return prometheus.Dataquery(
        datasource=SOURCE,
        editor_mode=prometheus.QueryEditorMode.CODE,
        expr=expression,
        ref_id=_letter(place),
        **more,
    )


def _series(queries: Mapping[str, str], *, now: bool = False) -> list[cogvariants.Dataquery]:
    return [
        _query(
            place,
            expression,
            legend_format=legend,
            format_val=prometheus.PromQueryFormat.TIME_SERIES,
            instant=now,
            range_val=not now,
        )
        for place, (legend, expression) in enumerate(queries.items())
    ]


def _table(queries: Sequence[str]) -> list[cogvariants.Dataquery]:
    return [
        _query(place, expression, format_val=prometheus.PromQueryFormat.TABLE, instant=True, range_val=False)
        for place, expression in enumerate(queries)
    ]


def _override(matcher: str, options: str, **properties: object) -> model.DashboardFieldConfigSourceOverrides:
    return model.DashboardFieldConfigSourceOverrides(
        matcher=model.MatcherConfig(matcher, options),
        properties=[
            model.DynamicConfigValue(name.replace("__", "."), value)
            for name, value in properties.items()
            if value is not None
        ],
    )


def _linked(link: Link | None) -> list[model.DashboardFieldConfigSourceOverrides]:
    return [] if link is None else [_override("byType", "number", links=[link.as_data_link()])]


def _fixed(color: str) -> model.FieldColor:
    return model.FieldColor(model.FieldColorModeId.FIXED, color)


@dataclass(frozen=True, kw_only=True)
class Field:
    """How a value is shown: its unit, range, colors and texts. ``empty`` is the text if there is no value."""

    unit: str = "short"
    low: float | None = None
    high: float | None = None
    decimals: float | None = None
    thresholds: model.ThresholdsConfig = PLAIN
    mappings: Sequence[model.ValueMap] = ()
    empty: str

    def config(self, color: model.FieldColorModeId, custom: object = None) -> model.FieldConfig:
        """Return it as the defaults of a panel's fields."""
        return model.FieldConfig(
            unit=self.unit,
            min_val=self.low,
            max_val=self.high,
            decimals=self.decimals,
            thresholds=self.thresholds,
            mappings=list(self.mappings),
            color=model.FieldColor(color),
            no_value=self.empty,
            custom=custom,
        )


def count(empty: str, thresholds: model.ThresholdsConfig = PLAIN) -> Field:
    """Show a whole number."""
    return Field(unit="none", low=0, decimals=0, thresholds=thresholds, empty=empty)


def share(empty: str, thresholds: model.ThresholdsConfig = PLAIN) -> Field:
    """Show a share from 0 to 1 as a percentage."""
    return Field(unit="percentunit", low=0, high=1, decimals=0, thresholds=thresholds, empty=empty)


def seconds(empty: str, thresholds: model.ThresholdsConfig = PLAIN) -> Field:
    """Show a duration."""
    return Field(unit="s", low=0, thresholds=thresholds, empty=empty)


def money(empty: str) -> Field:
    """Show an amount of money, in the currency of the prices."""
    return Field(unit="none", low=0, decimals=2, empty=empty)


def meaning(empty: str, mappings: Sequence[model.ValueMap]) -> Field:
    """Show values as texts."""
    return Field(unit="none", mappings=mappings, thresholds=steps("text"), empty=empty)


def number(title: str, description: str, expression: str, field: Field, *, legend: str = "") -> model.Panel:
    """Return a panel with the last value as a number, and its history in the background. With a ``legend``, show that instead."""
    words = legend or field.mappings
    return model.Panel(
        type_val="stat",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_series({legend: expression}),
        options=stat.Options(
            graph_mode=common.BigValueGraphMode.NONE if words else common.BigValueGraphMode.AREA,
            color_mode=common.BigValueColorMode.VALUE,
            justify_mode=common.BigValueJustifyMode.CENTER,
            text_mode=common.BigValueTextMode.NAME if legend else common.BigValueTextMode.VALUE,
            reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        ),
        field_config=model.FieldConfigSource(field.config(model.FieldColorModeId.THRESHOLDS)),
    )


def bars(
    title: str,
    description: str,
    queries: Mapping[str, str],
    field: Field,
    *,
    now: bool = False,
    link: Link | None = None,
) -> model.Panel:
    """Return a panel with a horizontal bar for each last value; the keys of ``queries`` are the legends.

    With ``now``, only the present values are queried. Rankings need this: over time they would keep everything that was ever in
    them.
    """
    return model.Panel(
        type_val="bargauge",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_series(queries, now=now),
        options=bargauge.Options(
            display_mode=common.BarGaugeDisplayMode.GRADIENT,
            name_placement=common.BarGaugeNamePlacement.LEFT,
            orientation=common.VizOrientation.HORIZONTAL,
            reduce_options=common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields=""),
        ),
        field_config=model.FieldConfigSource(field.config(model.FieldColorModeId.THRESHOLDS), _linked(link)),
    )


def lines(
    title: str,
    description: str,
    queries: Mapping[str, str],
    field: Field,
    *,
    colors: Mapping[str, str] | None = None,
    limits: Sequence[str] = (),
    right: Sequence[str] = (),
    stacked: bool = False,
    held: bool = False,
) -> model.Panel:
    """Return a panel over time; the keys of ``queries`` are the legends.

    ``colors`` are by name of a series. The series in ``limits`` are drawn as dashed lines, like the thresholds of the field.
    The series in ``right`` have their own axis on the right. ``held`` keeps a value until the next one, for values that change
    rarely.
    """
    custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=1 if stacked else 2,
        line_interpolation=common.LineInterpolation.STEP_AFTER if held else common.LineInterpolation.LINEAR,
        fill_opacity=60 if stacked else 8,
        show_points=common.VisibilityMode.NEVER,
        stacking=common.StackingConfig(common.StackingMode.NORMAL, "A") if stacked else None,
        span_nulls=False,
        thresholds_style=None if field.thresholds is PLAIN else _DASHED,
    )
    overrides = [_override("byName", name, color=_fixed(color)) for name, color in (colors or {}).items()]
    overrides += [
        _override(
            "byName",
            name,
            color=_fixed("text"),
            custom__lineStyle=common.LineStyle(fill="dash", dash=[10, 10]),
            custom__fillOpacity=0,
            custom__lineWidth=1,
        )
        for name in limits
    ]
    overrides += [_override("byName", name, custom__axisPlacement=common.AxisPlacement.RIGHT) for name in right]
    return model.Panel(
        type_val="timeseries",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_series(queries),
        options=timeseries.Options(
            legend=common.VizLegendOptions(
                common.LegendDisplayMode.TABLE,
                common.LegendPlacement.BOTTOM,
                show_legend=True,
                calcs=["lastNotNull", "max"],
                sort_by="Last *",
                sort_desc=True,
            ),
            tooltip=_MULTI,
        ),
        field_config=model.FieldConfigSource(field.config(model.FieldColorModeId.PALETTE_CLASSIC, custom), overrides),
    )


def timeline(
    title: str, description: str, expression: str, field: Field, *, legend: str, link: Link | None = None
) -> model.Panel:
    """Return a panel with a row for each series, colored by value."""
    return model.Panel(
        type_val="state-timeline",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_series({legend: expression}),
        options=statetimeline.Options(
            show_value=common.VisibilityMode.NEVER,
            merge_values=True,
            row_height=0.8,
            legend=common.VizLegendOptions(
                common.LegendDisplayMode.LIST, common.LegendPlacement.BOTTOM, show_legend=True
            ),
            tooltip=_MULTI,
        ),
        field_config=model.FieldConfigSource(
            field.config(model.FieldColorModeId.THRESHOLDS, statetimeline.FieldConfig(line_width=0, fill_opacity=80)),
            _linked(link),
        ),
    )


@dataclass(frozen=True)
class Column:
    """A column of a table.

    ``source`` is the label that it shows, or the letter of the query whose value it shows. ``bar`` draws a bar from 0 to 1.
    ``fill`` colors the background of the cell by thresholds or mappings, ``tint`` the text.
    """

    source: str
    title: str
    _: KW_ONLY
    unit: str | None = None
    thresholds: model.ThresholdsConfig | None = None
    mappings: Sequence[model.ValueMap] = ()
    bar: bool = False
    fill: bool = False
    tint: bool = False
    link: Link | None = None
    width: int | None = None

    def name(self, queries: int) -> str:
        """Return its name in Grafana. With only one query the value has no letter."""
        if len(self.source) > 1:
            return self.source
        return f"Value #{self.source}" if queries > 1 else "Value"

    def override(self, queries: int) -> model.DashboardFieldConfigSourceOverrides:
        """Return its overrides of the table's settings."""
        return _override(
            "byName",
            self.name(queries),
            displayName=self.title,
            noValue="-",  # otherwise an empty cell has the text for an empty table
            unit=self.unit,
            min=0 if self.bar else None,
            max=1 if self.bar else None,
            thresholds=self.thresholds,
            mappings=list(self.mappings) or None,
            custom__cellOptions=self._cell(),
            custom__width=self.width,
            links=None if self.link is None else [self.link.as_data_link()],
        )

    def _cell(self) -> object:
        if self.bar:
            return common.TableBarGaugeCellOptions(common.BarGaugeDisplayMode.BASIC, common.BarGaugeValueMode.TEXT)
        if self.fill:
            return common.TableColoredBackgroundCellOptions(common.TableCellBackgroundDisplayMode.BASIC)
        return common.TableColorTextCellOptions() if self.tint else None


def rows(
    title: str,
    description: str,
    queries: Sequence[str],
    columns: Sequence[Column],
    *,
    empty: str,
    sort: tuple[str, bool] | None = None,
    without: Sequence[str] = (),
) -> model.Panel:
    """Return a table of present values: a row for each set of labels, with the values of all queries.

    The queries have the letters from A. Only values in ``columns`` are shown. Labels are shown unless they are in ``without``.
    ``sort`` is a column's title and whether the largest value comes first.
    """
    names = [column.name(len(queries)) for column in columns]
    values = {Column(_letter(place), "").name(len(queries)) for place in range(len(queries))}
    merge = model.DataTransformerConfig("merge", options={})
    organize = model.DataTransformerConfig(
        "organize",
        options={
            "excludeByName": dict.fromkeys(sorted({"Time", *values, *without} - set(names)), True),
            "indexByName": {name: place for place, name in enumerate(names)},
            "renameByName": {},
        },
    )
    options = table.Options(
        cell_height=common.TableCellHeight.SM,
        sort_by=None if sort is None else [common.TableSortByFieldState(*sort)],
    )
    options.footer = None  # Grafana 12.3 moved it to the fields
    custom = common.TableFieldOptions(cell_options=common.TableAutoCellOptions(), filterable=True)
    return model.Panel(
        type_val="table",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_table(queries),
        transformations=[merge, organize] if len(queries) > 1 else [organize],
        options=options,
        field_config=model.FieldConfigSource(
            Field(empty=empty).config(model.FieldColorModeId.THRESHOLDS, custom),
            [column.override(len(queries)) for column in columns],
        ),
    )
