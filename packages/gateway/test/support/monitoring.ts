/** What lies in monitoring/ for operators: the alerts for Prometheus, and the dashboard for Grafana. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

import { repository } from './programs.ts';

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly Target[];
}

export interface Dashboard {
  readonly uid: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: string }[];
  };
  readonly panels: readonly Panel[];
}

export const alertsPath: string = join(repository, 'monitoring/alerts.yaml');

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}

export const alerts: readonly Alert[] = (parse(readFileSync(alertsPath, 'utf8')) as RuleFile).groups.flatMap(
  ({ rules }) => rules,
);

export const dashboard: Dashboard = JSON.parse(
  readFileSync(join(repository, 'monitoring/dashboard.json'), 'utf8'),
) as Dashboard;

/** Of all panels, with `title` and `expr`. */
export const dashboardQueries: readonly { readonly title: string; readonly expr: string }[] =
  dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

/** As Grafana asks it with all jobs and instances chosen. */
export function withoutVariables(expr: string): string {
  return expr
    .replaceAll(/\$(?:job|instance)\b/g, '.+')
    .replaceAll('$__rate_interval', '20s')
    .replaceAll('$__range', '1m');
}

/** What an expression selects: `up{…}`, an own metric with or without labels, or several by their names. */
export function selectorsIn(expr: string): readonly string[] {
  return (
    expr.match(/\b(?:up|process_\w+|prom_aggregation_gateway_\w+)\b(?:\{[^}]*\})?|\{__name__[^}]*\}/g) ?? []
  );
}
