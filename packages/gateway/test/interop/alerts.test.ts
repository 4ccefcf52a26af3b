/** The alerts of monitoring/alerts.yaml, judged by promtool: each fires when it should, and only then. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { temporaryFolder } from '../support/folders.ts';
import { alerts, alertsPath } from '../support/monitoring.ts';
import { program, run } from '../support/programs.ts';

const names = alerts.map(({ alert }) => alert);

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
  return { alert: `AggregationGateway${alert}`, when, at, series, fires: true };
};
const quiet = (alert: string, when: string, at: number, series: Case['series']): Case => {
  return { alert: `AggregationGateway${alert}`, when, at, series, fires: false };
};

const up = `up{${TARGET}}`;
const lastPush = own('last_push_timestamp_seconds');
const started = `process_start_time_seconds{${TARGET}}`;
const built = own('build_info', 'version="1",node_version="2"');
const series = (type: string): string => own('series', `type="${type}"`);
const scrapes = own('scrape_duration_seconds_count');
const ignored = (reason: string): string => own('samples_ignored_total', `reason="${reason}"`);
const suspects = own('suspect_sources', 'reason="two_on_one_path"');
const turnedAway = own('scrapes_turned_away_total', 'reason="waited"');
const waiting = own('storage_waiting_bytes');
const snapshot = own('storage_last_snapshot_timestamp_seconds');
const records = own('storage_record_bytes_total');
const limit = (of: string): string => own('limit', `of="${of}"`);

/** Of a member of a cluster; the first has the labels of all other series here. */
function of(name: string, number: 1 | 2, labels = ''): string {
  return own(name, labels).replace('gateway:', number === 1 ? 'gateway:' : 'gateway-2:');
}

interface MemberSeries {
  readonly leads?: string;
  readonly silent?: string;
  readonly block?: string;
}

function member(
  number: 1 | 2,
  { leads = '0x30', silent = '0x30', block = '60+60x30' }: MemberSeries,
  labels = '',
): Case['series'] {
  return {
    [of('cluster_leads', number, labels)]: leads,
    [of('cluster_silent_seconds', number, labels)]: silent,
    [of('cluster_block', number, labels)]: block,
  };
}

const cases: readonly Case[] = [
  fires('Down', 'no scrape has worked for three minutes', 5, { [up]: '1 1 0x5' }),
  fires('Down', 'the same of what was pushed', 5, {
    'up{job="aggregation-gateway",instance="gateway:9091"}': '1 1 0x5',
  }),
  quiet('Down', 'it comes back within two minutes', 5, { [up]: '1 1 0 1x5' }),
  quiet('Down', 'another job is down', 5, { 'up{job="node",instance="gateway:9100"}': '0x10' }),

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

  fires('NobodyPushes', 'the last push is 16 minutes old', 30, {
    [lastPush]: '840x40',
    [started]: '0x40',
    [built]: '1x40',
  }),
  fires('NobodyPushes', 'it is, and the gateway was just restarted', 30, {
    [lastPush]: '840x40',
    [started]: '1790x40',
    [built]: '1x40',
  }),
  fires('NobodyPushes', 'there was none since the start, 16 minutes ago', 30, {
    [lastPush]: '0x40',
    [started]: '840x40',
    [built]: '1x40',
  }),
  quiet('NobodyPushes', 'the last push is 14 minutes old', 30, {
    [lastPush]: '960x40',
    [started]: '0x40',
    [built]: '1x40',
  }),
  quiet('NobodyPushes', 'a new gateway was just started', 30, {
    [lastPush]: '0x40',
    [started]: '1700x40',
    [built]: '1x40',
  }),
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

  fires('NotScraped', 'a scrape was the last', 16, { [scrapes]: '0 1 1x20' }),
  quiet('NotScraped', 'scrapes go on', 16, { [scrapes]: '0+1x20' }),
  quiet('NotScraped', 'there is one every nine minutes', 30, { [scrapes]: '0x8 1x8 2x8 3x8' }),

  fires('Restarts', 'there are three in half an hour', 12, {
    [started]: '0x3 240x2 _ 420x2 600x9',
    [built]: '1x20',
  }),
  fires('Restarts', 'there were three, and it is down', 14, {
    [started]: '0x3 240x2 420x2 600 _x9',
    [built]: '1x10 _x9',
  }),
  quiet('Restarts', 'there are two', 12, { [started]: '0x3 240x2 420x9', [built]: '1x20' }),
  quiet('Restarts', 'another process restarts', 12, {
    'process_start_time_seconds{job="a"}': '0+60x20',
    [built]: '1x20',
  }),

  fires('PushesFail', 'one push meets a bug', 4, { [refusals('internal')]: '0 0 0 1x20' }),
  fires('PushesFail', 'the disk failed', 4, { [refusals('storage_failed')]: '0 0 0 1x20' }),
  quiet('PushesFail', 'none does', 4, {
    [refusals('internal')]: '0x20',
    [refusals('storage_failed')]: '3x20',
  }),

  fires('NewSeriesRefused', 'one push has too many', 4, { [refusals('series_limit')]: '0 0 0 1x20' }),
  fires('NewSeriesRefused', 'one push is of too many sources', 4, {
    [refusals('sources_limit')]: '0 0 0 1x20',
  }),
  quiet('NewSeriesRefused', 'one had, long ago', 20, { [refusals('series_limit')]: '0 0 0 1x20' }),

  fires('NewSeriesDropped', 'a limit drops some', 4, { [ignored('series_limit')]: '0 0 0 3x20' }),
  quiet('NewSeriesDropped', 'samples are ignored for another reason', 4, {
    [ignored('non_finite')]: '0+1x20',
    [ignored('series_limit')]: '0x20',
  }),

  fires('SuspectSources', 'a path looks so for ten minutes', 12, { [suspects]: '0 1x20' }),
  quiet('SuspectSources', 'it does for a moment', 12, { [suspects]: '0 1x5 0x20' }),
  quiet('SuspectSources', 'none does', 12, { [suspects]: '0x20' }),

  fires('ScrapesTurnedAway', 'one is', 4, { [turnedAway]: '0 0 0 1x20' }),
  quiet('ScrapesTurnedAway', 'one was, long ago', 20, { [turnedAway]: '0 0 0 1x20' }),

  fires('StorageWaiting', 'two MiB wait all the time', 12, { [waiting]: '2097152x20' }),
  quiet('StorageWaiting', 'nothing waits for a moment now and then', 12, {
    [waiting]: '2097152x3 0 2097152x3 0 2097152x3 0 2097152x3',
  }),
  quiet('StorageWaiting', 'a little waits', 12, { [waiting]: '4096x20' }),

  fires('SnapshotOld', 'much was pushed since it', 70, {
    [snapshot]: '60x80',
    [records]: '0+2000000x80',
  }),
  fires('SnapshotOld', 'there was none since the start', 70, {
    [snapshot]: '0x80',
    [lastPush]: '4000x80',
    [started]: '60x80',
    [built]: '1x80',
    [records]: '0+2000000x80',
  }),
  quiet('SnapshotOld', 'little was pushed since it', 70, { [snapshot]: '60x80', [records]: '0+1000x80' }),
  quiet('SnapshotOld', 'it is half an hour old', 70, { [snapshot]: '2400x80', [records]: '0+2000000x80' }),
  quiet('SnapshotOld', 'it has just begun to lead', 70, {
    [snapshot]: '0x80',
    [lastPush]: '4000x80',
    [started]: '60x80',
    [built]: '1x80',
    [records]: '0x50 0+8000000x30',
    [of('cluster_leads', 1)]: '0x50 1x30',
  }),
  quiet('SnapshotOld', 'the gateway was just started', 70, {
    [snapshot]: '0x80',
    [lastPush]: '4000x80',
    [started]: '3000x80',
    [built]: '1x80',
    [records]: '0+2000000x80',
  }),

  quiet('NotScraped', 'it does not lead its cluster', 20, {
    [scrapes]: '5x30',
    [of('cluster_leads', 1)]: '0x30',
    [of('cluster_block', 1)]: '0+60x30',
  }),
  fires('NotScraped', 'it leads its cluster', 20, {
    [scrapes]: '5x30',
    [of('cluster_leads', 1)]: '1x30',
    [of('cluster_block', 1)]: '0+60x30',
  }),

  fires('NoLeader', 'both members have heard nobody for a minute', 4, {
    ...member(1, { leads: '1 0x9', silent: '0 5 65 125 185' }),
    ...member(2, { leads: '0x9', silent: '1 5 65 125 185' }),
  }),
  quiet('NoLeader', 'the other member takes over', 4, {
    ...member(1, { leads: '1 1 _x9', silent: '0 0 _x9' }),
    ...member(2, { leads: '0 0 1x9', silent: '1 3 0x9' }),
  }),
  quiet('NoLeader', 'a gateway has no cluster', 4, member(1, { leads: '0x9', silent: '0x9', block: '0x9' })),

  fires('MemberBehind', 'it has heard nothing for minutes', 6, {
    ...member(1, { leads: '1x9', block: '60+60x9' }),
    ...member(2, { silent: '1 1 20 80 140 200 260', block: '60 120x9' }),
  }),
  fires('MemberBehind', 'it reads more slowly than the leader writes', 6, {
    ...member(1, { leads: '1x9', block: '60+60x9' }),
    ...member(2, { silent: '1x9', block: '60+30x9' }),
  }),
  quiet('MemberBehind', 'it was scraped half a minute earlier', 6, {
    ...member(1, { leads: '1x9', block: '90+60x9' }),
    ...member(2, { silent: '1x9', block: '60+60x9' }),
  }),
  quiet('MemberBehind', 'another cluster, which the operator found, has more blocks', 6, {
    ...member(1, { leads: '1x9', block: '9000+60x9' }, 'namespace="shop"'),
    ...member(2, { leads: '1x9', block: '60+60x9' }, 'namespace="bank"'),
  }),

  fires('LeaderOvertaken', 'it was twice within an hour', 30, {
    [of('cluster_overtaken_total', 1)]: '0x9 1x9 2x20',
  }),
  quiet('LeaderOvertaken', 'it was once', 30, { [of('cluster_overtaken_total', 1)]: '0x9 1x30' }),

  fires('StateDiffers', 'a member had another one, and joined anew', 40, {
    [of('cluster_state_differs', 1)]: '0x9 1x9 0x30',
  }),
  quiet('StateDiffers', 'that was long ago', 90, { [of('cluster_state_differs', 1)]: '0x9 1x9 0x80' }),
  quiet('StateDiffers', 'all have the same', 40, {
    [of('cluster_state_differs', 1)]: '0x50',
    [of('cluster_state_differs', 2)]: '0x50',
  }),

  fires(
    'EngineUnreachable',
    'the leader appends nothing',
    5,
    member(1, { leads: '1x9', block: '60 120 150x9' }),
  ),
  quiet(
    'EngineUnreachable',
    'the leader says only that it is there',
    5,
    member(1, { leads: '1x9', block: '60+60x9' }),
  ),
  quiet(
    'EngineUnreachable',
    'a gateway has no cluster',
    5,
    member(1, { leads: '0x9', silent: '0x9', block: '0x9' }),
  ),

  fires('ConfigDiffers', 'its file is not the one in force', 40, {
    [of('cluster_config_differs', 1)]: '1x50',
    [of('cluster_config_differs', 2)]: '0x50',
  }),
  quiet('ConfigDiffers', 'a file is rolled out', 40, {
    [of('cluster_config_differs', 1)]: '0x10 1x5 0x40',
    [of('cluster_config_differs', 2)]: '0x15 1x5 0x40',
  }),

  fires('EngineSlow', 'commits take a second', 20, {
    ...member(1, { leads: '1x30', block: '60+60x30' }),
    [commits('0.3')]: '0x30',
    [commits('1')]: '0+60x30',
    [commits('+Inf')]: '0+60x30',
  }),
  quiet('EngineSlow', 'one in a thousand does', 20, {
    ...member(1, { leads: '1x30', block: '60+60x30' }),
    [commits('0.3')]: '0+999x30',
    [commits('1')]: '0+1000x30',
    [commits('+Inf')]: '0+1000x30',
  }),

  fires('WebConfigReloadFailed', 'the file cannot be used for minutes', 8, {
    [own('web_config_last_reload_successful')]: '1 1 0x10',
  }),
  quiet('WebConfigReloadFailed', 'the key comes a minute after its certificate', 8, {
    [own('web_config_last_reload_successful')]: '1 0 1x10',
  }),
];

/** YAML takes JSON. Whatever else fires is reported as well. */
function rulesTest({ alert, series: values, at, fires: isFiring }: Case): string {
  const firing = isFiring ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [];
  return JSON.stringify({
    rule_files: [alertsPath],
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

test('every alert fires in a case, and is quiet in another', () => {
  expect(names.length).toBeGreaterThan(5);
  for (const isFiring of [true, false]) {
    const tried = cases.filter((one) => one.fires === isFiring).map(({ alert }) => alert);
    expect([...new Set(tried)].toSorted()).toEqual(names.toSorted());
  }
});

test('promtool takes the rules', async () => {
  expect(await promtool('check', 'rules', alertsPath)).toBeUndefined();
});

describe.each(names)('%s', (name) => {
  const tried = cases.filter(({ alert }) => alert === name);
  test.each(tried.map((one) => [one.fires ? 'fires' : 'is quiet', one.when, one] as const))(
    '%s when %s',
    async (_, __, one) => {
      const path = join(temporaryFolder(), 'test.yml');
      writeFileSync(path, rulesTest(one));
      expect(await promtool('test', 'rules', path)).toBeUndefined();
    },
  );
});
