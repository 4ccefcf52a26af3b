/** Alerts and dashboard name own metrics, labels and codes that are there, and lead to sections that are there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { ownMetrics } from '../src/gateway/telemetry/own-metrics.ts';
import { errorTable } from '../src/model/errors.ts';
import { alerts, dashboard, dashboardQueries } from './support/monitoring.ts';
import { repository } from './support/programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/alerts.md'), 'utf8');
const variables = dashboard.templating.list
  .map(({ query }) => query)
  .filter((query) => query !== 'prometheus');
const queries = [...alerts, ...dashboardQueries].map(({ expr }) => expr);

/** What Prometheus and prom-client have beside the own metrics. */
const others = [
  'up',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
];
/** Of a target, of a bucket, and what `label_replace` adds. */
const labelsOfAll = ['job', 'instance', 'namespace', 'service', 'le', 'of', '__name__'];

/** Of own metrics in an expression, those in a matcher of names as well, without the prefix. */
function ownMetricsIn(expr: string): readonly string[] {
  const named = [...expr.matchAll(/\bprom_aggregation_gateway_(\w+)/g)].map(([, name = '']) => name);
  const matched = [...expr.matchAll(/__name__=~"prom_aggregation_gateway_\(([\w|]+)\)"/g)];
  return [...named, ...matched.flatMap(([, names = '']) => names.split('|'))].map((name) =>
    name.replace(/(?<=_seconds)_(?:bucket|sum|count)$/, ''),
  );
}

/** Values that a label is compared with in an expression. */
function valuesOf(label: string, expr: string): readonly string[] {
  const matchers = expr.matchAll(new RegExp(String.raw`\b${label}\s*(?:=~|!~|!=|=)\s*"([^"$]*)"`, 'g'));
  return [...matchers].flatMap(([, values = '']) => values.split('|'));
}

test.each([...queries, ...variables])('own metrics that a query names are there: %s', (expr) => {
  const known = Object.keys(ownMetrics);
  const own = ownMetricsIn(expr);
  expect(known).toEqual(expect.arrayContaining([...own]));
  expect(own.length > 0 || others.some((name) => expr.startsWith(`${name}{`))).toBe(true);
});

test.each(queries)('labels that a query names are there: %s', (expr) => {
  const known = new Set([
    ...labelsOfAll,
    ...ownMetricsIn(expr).flatMap((name) => ownMetrics[name as keyof typeof ownMetrics][1]),
  ]);
  const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  const compared = [...expr.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name = '']) => name);
  expect([...grouped, ...compared].filter((label) => !known.has(label))).toEqual([]);
});

test('codes that a query names are there', () => {
  const named = queries.flatMap((expr) => valuesOf('code', expr));
  expect(named.length).toBeGreaterThan(5);
  expect(Object.keys(errorTable)).toEqual(expect.arrayContaining(named));
});

test('codes that one alert leaves out have others, but for a gateway that stops', () => {
  const expr = (name: string): string => alerts.find(({ alert }) => alert === name)?.expr ?? '';
  const leftOut = valuesOf('code', expr('AggregationGatewayPushesRefused'));
  const elsewhere = alerts
    .filter(({ alert }) => alert !== 'AggregationGatewayPushesRefused')
    .flatMap((other) => valuesOf('code', other.expr));
  expect(leftOut.toSorted()).toEqual([...elsewhere, 'shutting_down'].toSorted());
});

test('every alert says how bad it is, what it is, and where its section is, in the order of the guide', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(alert).toMatch(/^AggregationGateway[A-Z]\w+$/);
    expect(['warning', 'critical'], alert).toContain(labels['severity']);
    expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'runbook_url']);
    // That nobody leads is of all members.
    expect(annotations['description'], alert).toMatch(/\$labels\.(?:instance|job)\b/);
    expect(annotations['runbook_url']).toBe(`docs/guides/alerts.md#${alert.toLowerCase()}`);
  }
  const sections = [...guide.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(sections).toEqual(alerts.map(({ alert }) => alert));
  for (const section of guide.split(/^## /m).slice(1))
    expect([...section.matchAll(/^\*\*(.+?)\*\*:/gm)].map(([, part]) => part)).toEqual([
      'Means',
      'Look at',
      'Do',
    ]);
});

test('metrics to look at are there', () => {
  const lines = guide.split('\n').filter((line) => line.startsWith('**Look at**'));
  const named = lines.flatMap((line) =>
    [...line.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(Object.keys(ownMetrics)).toEqual(expect.arrayContaining(named));
});

test('panels of the dashboard have a source, a unit and legends, and do not overlap', () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { title, type, datasource, gridPos, fieldConfig, targets = [] } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(x, title).toBeLessThan(24);
        expect(taken, title).not.toContain(`${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
    if (type === 'row') continue;
    expect(datasource, title).toEqual({ type: 'prometheus', uid: '${datasource}' });
    expect(fieldConfig?.defaults.unit, title).toMatch(/./);
    expect(targets.length, title).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    for (const { expr, legendFormat } of targets) {
      expect(legendFormat, title).toMatch(/\{\{\w+\}\}/);
      // Every part of it is of the chosen gateways.
      expect(expr, title).toContain('job=~"$job", instance=~"$instance"');
    }
  }
});

test('the dashboard has a data source to choose, jobs and instances', () => {
  expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['job', 'query'],
    ['instance', 'query'],
  ]);
});
