/** Entries of metrics, and presets, as rules. */
import { NAME_LABEL } from '../../model/labels.ts';
import { windowedPolicies } from '../rules.ts';
import type { MetricRule } from '../rules.ts';
import { matchOf } from './alike.ts';
import type { Entry } from './entries.ts';
import type { FileKeys, Labels, MetricKeys } from './keys.ts';
import type { Located } from './kinds.ts';
import { presetRule, presets } from './presets.ts';
import type { PresetName } from './presets.ts';
import type { Place, Problems } from './problems.ts';

/** Labels that a push has by its path, and usually by nothing else. */
const labelsOfPaths = ['job', 'instance'];

/** Of shorter ones what is over would be let go of too late to be of use. */
const WINDOW_MS_MIN = 1000;

/** What entries say: `without` and `by` are one setting. */
type Setting = 'labels' | 'gauge' | 'ttl' | 'type' | 'buckets' | 'summary' | 'series_max';

interface GatewayFacts {
  /** Whether series may have a label that is usually one of the path alone. */
  readonly hasLabel: (label: string) => boolean;
  readonly byJob: boolean;
}

/** Without entries that are wrong, which are noted. */
export function* metricRulesOf(
  { metrics, presets: named }: { readonly [Name in 'metrics' | 'presets']?: Located<FileKeys[Name]> },
  problems: Problems,
  { hasLabel, byJob }: GatewayFacts,
): Generator<void, readonly MetricRule[]> {
  const earlier = new EarlierSettings(problems);
  const rules: MetricRule[] = [];
  for (const { value } of metrics?.value ?? []) {
    yield;
    checkEntry(value, problems);
    checkMatchedName(value, problems);
    checkByName(value, problems);
    if (byJob && value.keys.window !== undefined) {
      problems.warning(
        value.keys.window.keyAt,
        'window has no effect where senders push by job: min and max are of what sources have now, until they are pruned or their ttl is over',
      );
    }
    checkMatchedLabels(value, problems, hasLabel);
    if (value.isWhole) earlier.add(value);
    rules.push(metricRuleOf(value));
  }
  return [...rules, ...presetRulesOf(named?.value ?? [], earlier, problems)];
}

function* presetRulesOf(
  named: readonly Located<PresetName>[],
  earlier: EarlierSettings,
  problems: Problems,
): Generator<MetricRule> {
  const seen = new Map<PresetName, Place>();
  for (const { value, at } of named) {
    const first = seen.get(value);
    if (first !== undefined) {
      problems.error(at, `the preset ${value} is already in line ${problems.lineOf(first)}`);
      continue;
    }
    seen.set(value, at);
    const general = earlier.ofAll('gauge');
    if (general !== undefined) {
      problems.warning(
        at,
        `the preset has no effect: the entry in line ${problems.lineOf(general.at)} says gauge: ${general.keys.gauge!.value} of all series, and this ${presets[value].gauge} comes after it`,
      );
    }
    yield presetRule(value);
  }
}

function checkEntry({ at, keys, isWhole }: Entry<MetricKeys>, problems: Problems): void {
  const { gauge, window, ttl, type, buckets, without, by, summary, series_max: seriesMax } = keys;
  const settings = [gauge, window, ttl, type, buckets, without, by, summary, seriesMax, keys.on_limit];
  if (isWhole && settings.every((key) => key === undefined)) {
    problems.error(
      at,
      'this entry sets nothing; give it gauge, ttl, type, buckets, without, by, summary or series_max',
    );
  }
  if (keys.on_limit !== undefined && seriesMax === undefined)
    problems.error(keys.on_limit.keyAt, 'on_limit has no effect without series_max');
  if (window !== undefined) checkWindow(window, keys, problems);
  if (without !== undefined && by !== undefined) {
    problems.error(by.keyAt, 'without and by exclude each other; remove one of them');
  }
  if (without !== undefined) checkLabels('without', without.value, problems);
  if (by !== undefined) checkLabels('by', by.value, problems);
  // Where there are some that are wrong, the list may be empty without them.
  if (isWhole && buckets?.value.length === 0) {
    problems.error(buckets.at, 'buckets is empty; list the upper bounds to keep');
  }
  if (buckets !== undefined) checkBuckets(buckets.value, problems);
}

function checkWindow(
  { value, at, keyAt }: NonNullable<Entry<MetricKeys>['keys']['window']>,
  { gauge }: Entry<MetricKeys>['keys'],
  problems: Problems,
): void {
  if (gauge === undefined || !windowedPolicies.includes(gauge.value)) {
    problems.error(
      keyAt,
      'window goes with gauge: min or gauge: max in the same entry; add one, or remove window',
    );
  }
  if (value < WINDOW_MS_MIN) {
    problems.error(
      at,
      'window must be at least 1s; leave it out for min and max of all that was ever pushed',
    );
  }
}

function checkLabels(key: 'without' | 'by', labels: Labels, problems: Problems): void {
  const seen = new Set<string>();
  for (const { value, at } of labels) {
    if (value === NAME_LABEL)
      problems.error(at, `the name of a series is always kept; remove it from ${key}`);
    else if (seen.has(value)) problems.error(at, `${value} is already in this list`);
    seen.add(value);
  }
}

function checkBuckets(buckets: MetricKeys['buckets'], problems: Problems): void {
  for (const [i, bucket] of buckets.entries()) {
    const before = buckets[i - 1];
    if (before !== undefined && bucket.value <= before.value) {
      problems.error(bucket.at, `buckets must grow: ${bucket.value} comes after ${before.value}`);
    }
  }
}

/** Names of parts match no histogram; other metrics may well be called `x_sum`. */
function checkMatchedName(
  { keys: { match, buckets, summary } }: Entry<MetricKeys>,
  problems: Problems,
): void {
  const { value } = match?.value.matchers.find(({ label, op }) => label === NAME_LABEL && op === '=') ?? {};
  const parts = buckets !== undefined || summary !== undefined ? /_(?:bucket|sum|count)$/ : /_bucket$/;
  const base = value?.replace(parts, '');
  if (match === undefined || base === value) return;
  const what = buckets === undefined && summary !== undefined ? 'summary' : 'histogram';
  problems.warning(match.at, `${value} matches no ${what}, whose name here is ${base}`);
}

/** A summary is kept or dropped as a whole, whatever labels its series have, and a family has a limit for all of them. */
function checkByName(
  { keys: { match, summary, series_max: seriesMax } }: Entry<MetricKeys>,
  problems: Problems,
): void {
  const setting = summary === undefined ? seriesMax && 'series_max' : 'summary';
  if (match === undefined || setting === undefined) return;
  const labels = new Set(match.value.matchers.map(({ label }) => label));
  labels.delete(NAME_LABEL);
  if (labels.size === 0) return;
  problems.error(
    match.at,
    `${setting} depends on the name alone, and ${[...labels].join(', ')} is matched as well; move ${setting} to an entry that matches the name only`,
  );
}

function checkMatchedLabels(
  { keys }: Entry<MetricKeys>,
  problems: Problems,
  hasLabel: (label: string) => boolean,
): void {
  const { match, gauge, ttl, type, buckets, without, by } = keys;
  if (match === undefined) return;
  const names = new Set(match.value.matchers.map(({ label }) => label));
  names.delete(NAME_LABEL);
  const removing = without ?? by;
  for (const name of names) {
    const isListed = removing?.value.some(({ value }) => value === name);
    if (removing !== undefined && isListed === (removing === without)) {
      const what = `${name} is matched, and removed by the same entry`;
      if ([gauge, ttl, type, buckets].every((key) => key === undefined)) {
        problems.warning(match.at, `${what}: only series that match lose it`);
      } else {
        problems.error(
          match.at,
          `${what}: gauge, ttl, type and buckets are matched on the labels that are left; move them to an entry of their own`,
        );
      }
    }
    if (labelsOfPaths.includes(name) && !hasLabel(name)) {
      problems.warning(
        match.at,
        `${name} is a label of the push path, which series do not have with path_labels: drop; only series that were pushed with it match`,
      );
    }
  }
}

function metricRuleOf({ keys }: Entry<MetricKeys>): MetricRule {
  const { match, gauge, window, ttl, type, buckets, without, by, summary } = keys;
  const { series_max: seriesMax, on_limit: onLimit } = keys;
  return {
    match: match?.value,
    ...(without && { without: without.value.map(({ value }) => value) }),
    ...(by && { by: by.value.map(({ value }) => value) }),
    ...(gauge && { gauge: gauge.value }),
    ...(window && { windowMs: window.value }),
    ...(ttl && { ttlMs: ttl.value }),
    ...(type && { type: type.value }),
    ...(buckets && { buckets: buckets.value.map(({ value }) => value) }),
    ...(summary && { summary: summary.value }),
    ...(seriesMax && { seriesMax: seriesMax.value }),
    ...(onLimit && { onLimit: onLimit.value }),
  };
}

/** Who says what first, so that an entry that comes too late is noted. */
class EarlierSettings {
  readonly #problems: Problems;
  readonly #byMatch = new Map<string, Map<Setting, Entry<MetricKeys>>>();

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  /** The entry that says it of all series. */
  ofAll(setting: Setting): Entry<MetricKeys> | undefined {
    return this.#byMatch.get(matchOf(undefined))?.get(setting);
  }

  add(entry: Entry<MetricKeys>): void {
    const match = matchOf(entry);
    const settings = settingsOf(entry);
    const taken = settings.flatMap((setting) => {
      const by = this.ofAll(setting) ?? this.#byMatch.get(match)?.get(setting);
      return by === undefined ? [] : [{ setting, by }];
    });
    for (const by of new Set(taken.map((each) => each.by))) {
      const lost = taken.filter((each) => each.by === by).map(({ setting }) => setting);
      this.#note(entry, by, { lost, isAll: settings.length === taken.length });
    }
    const known = this.#byMatch.get(match) ?? new Map<Setting, Entry<MetricKeys>>();
    this.#byMatch.set(match, known);
    for (const setting of settings) if (!known.has(setting)) known.set(setting, entry);
  }

  #note(
    entry: Entry<MetricKeys>,
    by: Entry<MetricKeys>,
    { lost, isAll }: { readonly lost: readonly Setting[]; readonly isAll: boolean },
  ): void {
    const line = this.#problems.lineOf(by.at);
    if (textOf(entry) === textOf(by)) {
      this.#problems.error(entry.at, `this entry is identical to the one in line ${line}`);
      return;
    }
    const what = lost.map((setting) => (setting === 'labels' ? labelsKey(entry) : setting)).join(', ');
    const why = by.keys.match === undefined ? 'matches all and' : 'has the same match and';
    const [take, it] = lost.length === 1 ? ['takes', 'it'] : ['take', 'them'];
    const message = `${what} of this entry never ${take} effect: the one in line ${line} ${why} sets ${it} first`;
    if (isAll) this.#problems.error(entry.at, message);
    else this.#problems.warning(entry.at, message);
  }
}

function labelsKey({ keys }: Entry<MetricKeys>): string {
  return keys.without === undefined ? 'by' : 'without';
}

function settingsOf({ keys }: Entry<MetricKeys>): readonly Setting[] {
  const { gauge, ttl, type, buckets, without, by, summary, series_max: seriesMax } = keys;
  const given = { labels: without ?? by, gauge, ttl, type, buckets, summary, series_max: seriesMax };
  return (Object.keys(given) as Setting[]).filter((setting) => given[setting] !== undefined);
}

function textOf(entry: Entry<MetricKeys>): string {
  return JSON.stringify({ ...metricRuleOf(entry), match: matchOf(entry) });
}
