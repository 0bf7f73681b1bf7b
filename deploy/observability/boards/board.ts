/** A board as data, and Grafana's JSON of it, with the ids that Grafana would add when somebody saves it. */
import { LegendDisplayMode, LegendPlacement, VizLegendOptionsBuilder } from '@grafana/grafana-foundation-sdk/common';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export interface Query {
  expr: string;
  /** Grafana's: `{{label}}`. */
  legend: string;
}

export interface Panel {
  title: string;
  /** One sentence: what to do when it is red, or high. */
  description: string;
  /** Grafana's unit: s, reqps, short, percentunit, bytes. */
  unit: string;
  /** `now`: one value of the whole time that is shown. */
  kind?: 'now';
  /** Of 24 columns; 8 by default. */
  span?: number;
  queries: Query[];
  /** Where a click on a series leads. */
  opens?: { title: string; url: string };
}

export interface Board {
  /** Of its file and, behind `knative-lambda-`, its uid. */
  name: string;
  title: string;
  description: string;
  /** Label → the query that lists its values. */
  variables?: Record<string, string>;
  /** Marked on every panel. */
  marks?: Query & { title: string };
  rows: { title: string; panels: Panel[] }[];
}

const TAG = 'knative-lambda';
const PROMETHEUS = { type: 'prometheus', uid: '$datasource' };
const NAMESPACE = 'label_values(knative_lambda_events_in_flight, namespace)';

/** Each call gives the same bytes. */
export function dashboardJson(board: Board): string {
  const builder = new DashboardBuilder(board.title)
    .uid(`${TAG}-${board.name}`)
    .description(board.description)
    .tags([TAG])
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .link(new DashboardLinkBuilder('Knative Lambda').type(DashboardLinkType.Dashboards).tags([TAG]).keepTime(true))
    .withVariable(new DatasourceVariableBuilder('datasource').type('prometheus'));
  for (const [label, query] of Object.entries({ namespace: NAMESPACE, ...board.variables })) {
    builder.withVariable(
      new QueryVariableBuilder(label)
        .datasource(PROMETHEUS)
        .query({ query, refId: label })
        .refresh(2)
        .sort(1)
        .includeAll(true)
        .multi(true),
    );
  }
  if (board.marks) {
    const { title, expr, legend } = board.marks;
    builder.annotation(
      new AnnotationQueryBuilder()
        .name(title)
        .datasource(PROMETHEUS)
        .enable(true)
        .iconColor('blue')
        .expr(expr)
        .titleFormat(legend),
    );
  }
  for (const row of board.rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) {
      builder.withPanel(panelOf(panel));
    }
  }
  const dashboard = builder.build();
  // The builders give panels no id, and every row 0.
  for (const [index, panel] of (dashboard.panels ?? []).entries()) {
    panel.id = index + 1;
  }
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function panelOf({ title, description, unit, kind, span = 8, queries, opens }: Panel): StatBuilder | TimeseriesBuilder {
  const legend = new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .calcs([]);
  const panel: StatBuilder | TimeseriesBuilder =
    kind === 'now' ? new StatBuilder() : new TimeseriesBuilder().legend(legend).min(0);
  panel
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(PROMETHEUS)
    .height(kind === 'now' ? 4 : 8)
    .span(span);
  if (opens) {
    panel.dataLinks([new DashboardLinkBuilder(opens.title).url(opens.url)]);
  }
  for (const [index, { expr, legend: name }] of queries.entries()) {
    const query = new DataqueryBuilder()
      .datasource(PROMETHEUS)
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(name);
    panel.withTarget(kind === 'now' ? query.instant() : query.range());
  }
  return panel;
}
