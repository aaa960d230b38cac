"""What both dashboards share: variables, links, annotations, and layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

from grafana_foundation_sdk.models import prometheus

from grafana.look import GREEN, PURPLE
from grafana.panels import SOURCE, Link
from grafana.promql import JOB, PLACE, TEAM, each, of_team
from grafana.schema import model

if TYPE_CHECKING:
    from collections.abc import Sequence

FLEET = "sagemaker-tuning-fleet"
TUNING_JOB = "sagemaker-tuning-job"
"""The uids. Do not change them, because links, bookmarks and runbooks use them."""

SCHEMA_VERSION = 39
"""The schema version of Grafana 11.0. Later versions migrate it when they load it."""

COLUMNS = 24

T = TypeVar("T", model.AnnotationQuery, model.DashboardLink)

_ALL = model.VariableOption(text="All", value="$__all")
_HERE = "${datasource:queryparam}&${__url_time_range}"

TO_JOB = Link(
    "Open the tuning job",
    f"/d/{TUNING_JOB}?{_HERE}&var-account=${{__data.fields.aws_account_id}}"
    "&var-region=${__data.fields.aws_region}&var-job=${__data.fields.tuning_job}",
)
"""From a row of a table."""

TO_JOB_OF_SERIES = Link(
    "Open the tuning job",
    f"/d/{TUNING_JOB}?{_HERE}&var-account=${{__field.labels.aws_account_id}}"
    "&var-region=${__field.labels.aws_region}&var-job=${__field.labels.tuning_job}",
)
"""From a series."""

TO_CONSOLE = Link(
    "Open in the SageMaker console",
    "https://${__data.fields.aws_region}.${__value.raw}/sagemaker/home?region=${__data.fields.aws_region}"
    "#/hyper-tuning-jobs/${__data.fields.tuning_job}",
    new_tab=True,
)
"""From the cell that holds the console's host."""


def source_variable() -> model.VariableModel:
    """Return the variable that selects the Prometheus data source."""
    return model.VariableModel(
        model.VariableType.DATASOURCE,
        "datasource",
        label="Data source",
        description="The Prometheus that scrapes the exporter.",
        query="prometheus",
        current=model.VariableOption(text="", value=""),
        refresh=model.VariableRefresh.ON_DASHBOARD_LOAD,
        auto=None,
        auto_min=None,
        auto_count=None,
    )


def label_variable(
    name: str, label: str, selector: str, *, title: str, description: str, multi: bool, any_value: bool = True
) -> model.VariableModel:
    """Return a variable with the values of a label. ``any_value`` adds the choice of all, including series without the label."""
    return _query_variable(
        name,
        f"label_values({selector}, {label})",
        query_type=1,
        label=title,
        description=description,
        multi=multi,
        include_all=any_value,
        all_value=".*" if any_value else None,
        current=_ALL if any_value else None,
    )


def hidden_variable(name: str, expression: str, regex: str, *, description: str) -> model.VariableModel:
    """Return a hidden variable: the match of ``regex`` in the result of an expression."""
    return _query_variable(
        name,
        f"query_result({expression})",
        query_type=3,
        regex=regex,
        description=description,
        hide=model.VariableHide.HIDE_VARIABLE,
        skip_url_sync=True,
    )


class _More(TypedDict, total=False):
    """Optional settings of a variable."""

    label: str
    description: str
    multi: bool
    include_all: bool
    all_value: str | None
    current: model.VariableOption | None
    regex: str
    hide: model.VariableHide
    skip_url_sync: bool


def _query_variable(name: str, query: str, *, query_type: int, **more: Unpack[_More]) -> model.VariableModel:
    return model.VariableModel(
        model.VariableType.QUERY,
        name,
        query={"qryType": query_type, "query": query, "refId": f"variable-{name}"},
        datasource=SOURCE,
        refresh=model.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=model.VariableSort.ALPHABETICAL_ASC,
        auto=None,
        auto_min=None,
        auto_count=None,
        **more,
    )


def variables(*, one_job: bool) -> list[model.VariableModel]:
    """Return the variables data source, account, region, team and tuning job. Each depends on the ones before it."""
    multi = not one_job
    return [
        source_variable(),
        label_variable(
            "account",
            "aws_account_id",
            f"{JOB}labels",
            title="Account",
            description="AWS account of the tuning jobs.",
            multi=multi,
        ),
        label_variable(
            "region",
            "aws_region",
            f'{JOB}labels{{aws_account_id=~"$account"}}',
            title="Region",
            description="AWS region of the tuning jobs.",
            multi=multi,
        ),
        label_variable(
            "team",
            "label_team",
            f"{JOB}labels{{{PLACE}}}",
            title="Team",
            description="Who a tuning job belongs to, by its label team. All: with or without one.",
            multi=multi,
        ),
        label_variable(
            "job",
            "tuning_job",
            f"{JOB}labels{{{PLACE},{TEAM}}}",
            title="Tuning job",
            description="Name of the tuning job.",
            multi=multi,
            any_value=not one_job,
        ),
    ]


def annotation_queries(*, shown: bool) -> list[model.AnnotationQuery]:
    """Return annotations for the times at which tuning jobs converged and ended. ``shown``: they are on by default."""
    return [
        _annotation(
            "Converged",
            "convergence_detected_timestamp_seconds",
            PURPLE,
            "SageMaker found that the search no longer improves.",
            shown=shown,
        ),
        _annotation("Ended", "end_timestamp_seconds", GREEN, "The tuning job ended.", shown=shown),
    ]


def _annotation(name: str, family: str, color: str, text: str, *, shown: bool) -> model.AnnotationQuery:
    annotation = model.AnnotationQuery(
        name,
        SOURCE,
        enable=shown,
        icon_color=color,
        target=prometheus.Dataquery(
            datasource=SOURCE,
            editor_mode=prometheus.QueryEditorMode.CODE,
            # The value is the time of the annotation in milliseconds.
            expr=of_team(f"1000 * {each(family)}"),
            ref_id="Anno",
        ),
        built_in=None,
        title_format=f"{{{{tuning_job}}}}: {name.lower()}",
        text_format=text,
        tag_keys="aws_region",
        use_value_for_time=True,
    )
    return _unplaced(annotation)


def link(title: str, tooltip: str, url: str, *, new_tab: bool = False) -> model.DashboardLink:
    """Return a link at the top of a dashboard."""
    made = model.DashboardLink(
        title,
        model.DashboardLinkType.LINK,
        icon="external link" if new_tab else "dashboard",
        tooltip=tooltip,
        url=url,
        target_blank=new_tab,
        keep_time=not new_tab,
    )
    return _unplaced(made)


def _unplaced(made: T) -> T:
    """Remove the placement, which is newer than Grafana 11. The SDK always sets one and has no type for none."""
    vars(made)["placement"] = None
    return made


Line = tuple[int, "Sequence[tuple[int, model.Panel]]"]
"""A height, and panels side by side, each with its width in grid columns."""

Row = tuple[str, "Sequence[Line]"]
"""A title, and the lines of panels under it."""


def line(height: int, *panels: model.Panel, widths: Sequence[int] = ()) -> Line:
    """Return panels side by side. Without ``widths`` they have equal widths."""
    return height, list(zip(widths or [COLUMNS // len(panels)] * len(panels), panels, strict=True))


def lay_out(parts: Sequence[Row]) -> list[model.Panel | model.RowPanel]:
    """Return all panels with their positions and ids."""
    placed: list[model.Panel | model.RowPanel] = []
    top = 0
    for title, lines in parts:
        placed.append(model.RowPanel(title=title, grid_pos=model.GridPos(h=1, w=COLUMNS, x=0, y=top)))
        top += 1
        for height, panels in lines:
            left = 0
            for width, panel in panels:
                panel.grid_pos = model.GridPos(h=height, w=width, x=left, y=top)
                placed.append(panel)
                left += width
            top += height
    for number, item in enumerate(placed, start=1):
        item.id_val = number
    return placed


def dashboard(
    uid: str,
    title: str,
    description: str,
    parts: Sequence[Row],
    *,
    variables: list[model.VariableModel],
    annotations: list[model.AnnotationQuery],
    links: list[model.DashboardLink],
) -> model.Dashboard:
    """Return a whole dashboard."""
    return model.Dashboard(
        uid=uid,
        title=title,
        description=description,
        tags=["sagemaker", "hyperparameter-tuning"],
        timezone="browser",
        editable=True,
        graph_tooltip=model.DashboardCursorSync.CROSSHAIR,
        time=model.DashboardDashboardTime("now-6h", "now"),
        refresh="1m",
        schema_version=SCHEMA_VERSION,
        panels=lay_out(parts),
        templating=model.DashboardDashboardTemplating(variables),
        annotations=model.AnnotationContainer(annotations),
        links=links,
    )
