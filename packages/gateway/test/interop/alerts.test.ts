/** The alerts of docs/guides/prometheus.md, as they stand there, judged by promtool: each fires when it should, and only then. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { program, repository, run } from '../support/programs.ts';

const guide = readFileSync(join(repository, 'docs/guides/prometheus.md'), 'utf8');
const [, rules = ''] = /^## Recommended alerts\n[\s\S]*?^```yaml\n([\s\S]*?)^```$/m.exec(guide) ?? [];
const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);

const PREFIX = 'prom_aggregation_gateway_';
/** Of every series, as Prometheus gives them. */
const TARGET = 'job="aggregation-gateway-itself",instance="gateway:9091"';

const own = (name: string, labels = ''): string => `${PREFIX}${name}{${TARGET}${labels && `,${labels}`}}`;
const refusals = (code: string): string => own('pushes_total', `result="refused",code="${code}"`);
const commits = (le: string): string => own('storage_commit_duration_seconds_bucket', `le="${le}"`);

interface Case {
  readonly alert: string;
  readonly when: string;
  /** Values of each series once a minute, in promtool's notation. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes after the first value; time() is 0 at the first. */
  readonly at: number;
  readonly fires: boolean;
}

const fires = (alert: string, when: string, at: number, series: Case['series']): Case => {
  return { alert, when, at, series, fires: true };
};
const quiet = (alert: string, when: string, at: number, series: Case['series']): Case => {
  return { alert, when, at, series, fires: false };
};

const up = `up{${TARGET}}`;
const lastPush = own('last_push_timestamp_seconds');
const started = `process_start_time_seconds{${TARGET}}`;
const series = (type: string): string => own('series', `type="${type}"`);
const limit = (of: string): string => own('limit', `of="${of}"`);

const cases: readonly Case[] = [
  fires('GatewayDown', 'no scrape has worked for three minutes', 5, { [up]: '1 1 0x5' }),
  fires('GatewayDown', 'the same of what was pushed', 5, {
    'up{job="aggregation-gateway",instance="gateway:9091"}': '1 1 0x5',
  }),
  quiet('GatewayDown', 'it comes back within two minutes', 5, { [up]: '1 1 0 1x5' }),
  quiet('GatewayDown', 'another job is down', 5, { 'up{job="node",instance="gateway:9100"}': '0x10' }),

  fires('PushesRefused', 'one push is refused', 4, { [refusals('syntax')]: '0 0 0 1x20' }),
  fires('PushesRefused', 'one push is refused after a restart', 5, { [refusals('syntax')]: '5 5 0 0 1x20' }),
  quiet('PushesRefused', 'no push is refused', 4, { [refusals('syntax')]: '0x20' }),
  quiet('PushesRefused', 'one was, long ago', 20, { [refusals('syntax')]: '0 0 0 1x20' }),
  quiet('PushesRefused', 'the counter begins anew', 5, { [refusals('syntax')]: '5 5 0x20' }),
  quiet('PushesRefused', 'pushes are accepted', 5, {
    [own('pushes_total', 'result="accepted",code="ok"')]: '0+10x20',
  }),
  quiet('PushesRefused', 'a gateway that stops sends a push away', 4, {
    [refusals('shutting_down')]: '0 0 0 1x20',
  }),

  fires('PushesTurnedAway', 'pushes are turned away for a quarter of an hour', 15, {
    [refusals('overloaded')]: '0+1x20',
  }),
  quiet('PushesTurnedAway', 'a few are', 15, { [refusals('overloaded')]: '0 3 5x20' }),

  fires('NobodyPushes', 'the last push is 16 minutes old', 30, { [lastPush]: '840x40', [started]: '0x40' }),
  fires('NobodyPushes', 'it is, and the gateway was just restarted', 30, {
    [lastPush]: '840x40',
    [started]: '1790x40',
  }),
  fires('NobodyPushes', 'there was none since the start, 16 minutes ago', 30, {
    [lastPush]: '0x40',
    [started]: '840x40',
  }),
  quiet('NobodyPushes', 'the last push is 14 minutes old', 30, { [lastPush]: '960x40', [started]: '0x40' }),
  quiet('NobodyPushes', 'a new gateway was just started', 30, { [lastPush]: '0x40', [started]: '1700x40' }),
  quiet('NobodyPushes', 'another job runs for long', 30, { 'process_start_time_seconds{job="a"}': '0x40' }),

  fires('LimitNear', 'all types of series together near their limit', 15, {
    [series('counter')]: '400x20',
    [series('gauge')]: '401x20',
    [limit('series')]: '1000x20',
    [limit('families')]: '1000x20',
  }),
  fires('LimitNear', 'sources near theirs', 15, {
    [own('source_bytes')]: '900x20',
    [limit('source_bytes')]: '1000x20',
  }),
  quiet('LimitNear', 'there is room', 15, {
    [series('counter')]: '400x20',
    [series('gauge')]: '300x20',
    [limit('series')]: '1000x20',
    [own('series_bytes')]: '900x20',
    [limit('series_bytes')]: '9000x20',
  }),
  quiet('LimitNear', 'exemplars are as many as may be, which costs nothing', 15, {
    [own('exemplars')]: '100x20',
    [limit('exemplars')]: '100x20',
  }),

  fires('StorageFull', 'one push finds no room', 4, { [refusals('storage_full')]: '0 0 0 1x20' }),
  quiet('StorageFull', 'there was none, ten minutes ago', 15, { [refusals('storage_full')]: '0 0 0 1x20' }),

  fires('StorageSlow', 'commits take a second', 20, {
    [commits('0.3')]: '0x30',
    [commits('1')]: '0+60x30',
    [commits('+Inf')]: '0+60x30',
  }),
  quiet('StorageSlow', 'one in a thousand does', 20, {
    [commits('0.3')]: '0+999x30',
    [commits('1')]: '0+1000x30',
    [commits('+Inf')]: '0+1000x30',
  }),
  quiet('StorageSlow', 'there are none', 20, { [commits('1')]: '0x30', [commits('+Inf')]: '0x30' }),

  fires('StorageDamaged', 'the start found damage', 1, { [own('storage_damages')]: '1x5' }),
  quiet('StorageDamaged', 'the start found none', 1, { [own('storage_damages')]: '0x5' }),

  fires('SnapshotsFail', 'one could not be written', 3, {
    [own('storage_snapshots_failed_total')]: '0 0 1x5',
  }),
  quiet('SnapshotsFail', 'all could', 3, { [own('storage_snapshots_failed_total')]: '0x5' }),
  quiet('SnapshotsFail', 'one could not, long ago', 30, {
    [own('storage_snapshots_failed_total')]: '0 0 1x40',
  }),

  fires('ConfigReloadFailed', 'the file had an error', 5, {
    [own('config_last_reload_successful')]: '1 1 0x10',
  }),
  quiet('ConfigReloadFailed', 'the next reload succeeds', 5, {
    [own('config_last_reload_successful')]: '1 0 0 1x10',
  }),
];

/** YAML takes JSON. Whatever else fires is reported as well. */
function rulesTest({ alert, series: values, at, fires: isFiring }: Case): string {
  const firing = isFiring ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [];
  return JSON.stringify({
    rule_files: ['rules.yml'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(values).map(([name, points]) => ({ series: name, values: points })),
        promql_expr_test: [
          {
            expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
            eval_time: `${at}m`,
            exp_samples: firing,
          },
        ],
      },
    ],
  });
}

async function promtool(...args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await run(program('promtool', 'prometheus'), args);
  return code === 0 ? undefined : stdout + stderr;
}

test('every alert of the guide fires in a case, and is quiet in another', () => {
  expect(alerts.length).toBeGreaterThan(5);
  for (const isFiring of [true, false]) {
    const tried = cases.filter((one) => one.fires === isFiring).map(({ alert }) => alert);
    expect([...new Set(tried)].toSorted()).toEqual(alerts.toSorted());
  }
});

test('promtool takes the rules', async () => {
  const path = join(temporaryFolder(), 'rules.yml');
  writeFileSync(path, rules);
  expect(await promtool('check', 'rules', path)).toBeUndefined();
});

describe.each(alerts)('%s', (name) => {
  const own = cases.filter(({ alert }) => alert === name);
  test.each(own.map((one) => [one.fires ? 'fires' : 'is quiet', one.when, one] as const))(
    '%s when %s',
    async (_, __, one) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'rules.yml'), rules);
      writeFileSync(join(folder, 'test.yml'), rulesTest(one));
      expect(await promtool('test', 'rules', join(folder, 'test.yml'))).toBeUndefined();
    },
  );
});
