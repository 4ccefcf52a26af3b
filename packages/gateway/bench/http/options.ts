/** The command line of `npm run bench:http`, and how much is measured. */
import { parseArgs } from 'node:util';

import { fleetDefaults } from '../fleet.ts';
import type { FleetOptions } from '../fleet.ts';

export interface Peer {
  readonly name: string;
  /** The full URL of a push. `{instance}` in it stands for who pushes, and makes the peer one of by-job mode. */
  readonly url: string;
  readonly pid: number;
}

export interface Sizes {
  /** Servers take turns of so many seconds, so that noise of the machine hits all of them. */
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly warmUpSeconds: number;
  readonly largeSeries: number;
  readonly fleet: FleetOptions;
  readonly newSeriesPushes: number;
  readonly memorySeries: number;
  readonly sources: number;
  readonly scrapeFamilies: number;
  readonly scrapeSeriesPerFamily: number;
  /** Scrapes during which pushes are timed. */
  readonly timedScrapes: number;
  /** Fresh processes for what can be measured only once in each. */
  readonly processes: number;
  readonly replayedRecords: number;
  readonly soakIntervalSeconds: number;
}

export interface Options {
  readonly smoke: boolean;
  readonly write: boolean;
  /** Servers and load share one core. */
  readonly oneCore: boolean;
  /** Names of rows; empty means all. */
  readonly only: readonly string[];
  readonly peers: readonly Peer[];
  readonly soakSeconds: number | undefined;
  /** A workload to profile instead of measuring. */
  readonly profile: string | undefined;
  readonly sizes: Sizes;
}

const fullSizes: Sizes = {
  rounds: 3,
  roundSeconds: 4,
  warmUpSeconds: 3,
  largeSeries: 10_000,
  fleet: fleetDefaults,
  newSeriesPushes: 20,
  memorySeries: 1_000_000,
  sources: 10_000,
  scrapeFamilies: 100,
  scrapeSeriesPerFamily: 5_000,
  timedScrapes: 10,
  processes: 3,
  replayedRecords: 100_000,
  soakIntervalSeconds: 60,
};

/** Enough to see that everything runs; the figures mean little. */
const smokeSizes: Sizes = {
  rounds: 1,
  roundSeconds: 1,
  warmUpSeconds: 0,
  largeSeries: 2_000,
  fleet: { ...fleetDefaults, senders: 100, series: 2_000 },
  newSeriesPushes: 2,
  memorySeries: 20_000,
  sources: 200,
  scrapeFamilies: 10,
  scrapeSeriesPerFamily: 500,
  timedScrapes: 2,
  processes: 1,
  replayedRecords: 2_000,
  soakIntervalSeconds: 1,
};

const usage = `usage: npm run bench:http -- [--smoke] [--only=row,row] [--peer name=URL,pid]... [--write] [--one-core]
       npm run bench:http -- --soak=10m
       npm run bench:http -- --profile=workload[-by-job][-durable]`;

/** Throws an Error that says what is wrong and what would be right. */
export function parseOptions(flags: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...flags],
    options: {
      smoke: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      'one-core': { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      peer: { type: 'string', multiple: true, default: [] },
      soak: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  if (values['one-core'] && values.profile !== undefined) {
    throw new Error(
      '--one-core does not go with --profile, which counts by the clock what others do on that core',
    );
  }
  return {
    smoke: values.smoke,
    write: values.write,
    oneCore: values['one-core'],
    only: values.only.split(',').filter((name) => name !== ''),
    peers: values.peer.map(parsePeer),
    soakSeconds: values.soak === undefined ? undefined : parseDuration(values.soak),
    profile: values.profile,
    sizes: values.smoke ? smokeSizes : fullSizes,
  };
}

function parsePeer(text: string): Peer {
  const [, name, url, pid] = /^([^=]+)=(http:\/\/.+),(\d+)$/.exec(text) ?? [];
  if (name === undefined || url === undefined || !URL.canParse(url)) {
    throw new Error(
      `--peer ${text}: write it as name=URL,pid, as in weaveworks=http://127.0.0.1:8080/metrics/,4711`,
    );
  }
  return { name, url, pid: Number(pid) };
}

function parseDuration(text: string): number {
  const [, count, unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const seconds = Number(count) * { s: 1, m: 60, h: 3_600 }[(unit ?? 's') as 's' | 'm' | 'h'];
  if (!(seconds > 0)) throw new Error(`--soak=${text}: write a time such as 90s, 10m or 2h`);
  return seconds;
}
