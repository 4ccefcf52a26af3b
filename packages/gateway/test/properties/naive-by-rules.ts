/**
 * A gateway with a file of rules, written down from the guides the slow and obvious way: everybody's part of each series is kept by itself, and all
 * of it is looked at for each page. Time is what it is told.
 */
import { gaugeRuleOf, losesPod, mayExpire, modesOf, ttlMsOf } from './rule-files.ts';
import type { Family, Job, L, RuleFile } from './rule-files.ts';

/** Windows end where one of their slots does, of which the newest has only begun. */
const SLOTS = 13;

/** What a counter or a summary counts is at one place, a histogram has a place for each bound: what is in that bucket alone. */
export type Amounts = ReadonlyMap<number | 'sum', number>;

export interface Sample {
  readonly family: Family;
  readonly l: L;
  readonly pod: '1' | '2';
  readonly amounts: Amounts;
}

/** As the page has it: without `pod` where rules took it away. */
interface Series {
  readonly family: Family;
  readonly l: L;
  readonly labels: string;
  readonly key: string;
}

/** What somebody has of a gauge or of an untyped series. */
interface Point {
  readonly series: Series;
  readonly value: number;
  /** The larger, the newer. */
  readonly order: number;
  readonly namedMs: number;
  /** What a window holds. */
  readonly recent: readonly { readonly value: number; readonly atMs: number }[];
}

/** What somebody has of what only grows. */
interface Total {
  readonly series: Series;
  readonly amounts: Amounts;
  /** Since the last push of it the list of buckets got bounds that it had not. */
  readonly isRebound: boolean;
}

interface Source {
  readonly points: Map<string, Point>;
  readonly totals: Map<string, Total>;
  pushedMs: number;
  order: number;
}

export class NaiveByRules {
  readonly sources = new Map<Job, Source>();
  file: RuleFile;
  #nowMs: number;
  #order = 0;
  /** What senders that add have, all together. */
  readonly #common = new Map<string, Point>();
  /** What nobody takes back. */
  readonly #rest = new Map<string, Total>();
  /** When anybody named it. */
  readonly #named = new Map<string, { readonly series: Series; readonly atMs: number }>();

  constructor(file: RuleFile, nowMs: number) {
    this.file = file;
    this.#nowMs = nowMs;
  }

  /** Whether it is taken. */
  push(samples: readonly Sample[], job: Job, method: 'PUT' | 'POST'): boolean {
    const pushed = this.#merged(samples, job);
    const adds = this.file.senders[job].mode === 'add';
    const isOfSources = ({ series }: { readonly series: Series }): boolean =>
      isGauge(series) && ['avg', 'count'].includes(this.#policyOf(series));
    if (adds && pushed.some(isOfSources)) return false;
    this.#order += 1;
    for (const { series } of pushed) this.#named.set(series.key, { series, atMs: this.#nowMs });
    if (adds) for (const each of pushed) this.#add(each);
    else this.#replace(pushed, job, method);
    return true;
  }

  #add({ series, values, amounts }: Merged): void {
    if (!isPoint(series)) return this.#keep({ series, amounts, isRebound: false });
    const before = this.#common.get(series.key);
    const value = this.#together(series, values);
    const named = { series, namedMs: this.#nowMs };
    if (value === undefined) {
      if (before !== undefined) this.#common.set(series.key, { ...before, ...named });
      return;
    }
    const recent = [...this.#left(before, series), { value, atMs: this.#nowMs }];
    const held =
      this.#windowOf(series) === undefined
        ? this.#together(series, before === undefined ? [value] : [before.value, value])!
        : this.#together(
            series,
            recent.map((each) => each.value),
          )!;
    this.#common.set(series.key, { ...named, value: held, order: this.#order, recent });
  }

  #replace(pushed: readonly Merged[], job: Job, method: 'PUT' | 'POST'): void {
    const source = this.sources.get(job) ?? { points: new Map(), totals: new Map(), pushedMs: 0, order: 0 };
    this.sources.set(job, source);
    source.pushedMs = this.#nowMs;
    source.order = this.#order;
    if (method === 'PUT') source.points.clear();
    for (const [key, point] of source.points)
      if (!mayExpire(this.file, point.series.family))
        source.points.set(key, { ...point, namedMs: this.#nowMs });
    for (const { series, values, amounts } of pushed) {
      const value = this.#together(series, values);
      if (!isPoint(series)) this.#count(source, { series, amounts, isRebound: false }, job);
      else if (value === undefined) source.points.delete(series.key);
      else {
        const point = { series, value, order: this.#order, namedMs: this.#nowMs, recent: [] };
        source.points.set(series.key, point);
      }
    }
  }

  #count(source: Source, total: Total, job: Job): void {
    const { key } = total.series;
    const before = source.totals.get(key);
    const accumulates = this.file.senders[job].resets === 'accumulate';
    if (before !== undefined && accumulates && hasBegunAnew(before, total.amounts)) this.#keep(before);
    source.totals.set(key, total);
    // A bucket that was shown stays.
    this.#keep({ ...total, amounts: new Map([...total.amounts.keys()].map((at) => [at, 0])) });
  }

  #keep(total: Total): void {
    const before = this.#rest.get(total.series.key)?.amounts ?? new Map();
    this.#rest.set(total.series.key, { ...total, amounts: added(before, total.amounts) });
  }

  /** As DELETE of its path does; a sender that adds has no source. */
  retire(job: Job): void {
    for (const total of this.sources.get(job)?.totals.values() ?? []) this.#keep(total);
    this.sources.delete(job);
  }

  #forget(job: Job): void {
    for (const { series, value } of this.sources.get(job)?.points.values() ?? [])
      if (!isGauge(series)) this.#keep({ series, amounts: new Map([[0, value]]), isRebound: false });
    this.retire(job);
  }

  drop(goes: (family: Family, l: L) => boolean): void {
    const isGone = ({ series }: { readonly series: Series }): boolean => goes(series.family, series.l);
    for (const map of this.#maps()) for (const [key, each] of map) if (isGone(each)) map.delete(key);
  }

  wipe(): void {
    this.sources.clear();
    this.drop(() => true);
  }

  #maps(): readonly Map<string, { readonly series: Series }>[] {
    const ofSources = [...this.sources.values()].flatMap(({ points, totals }) => [points, totals]);
    return [this.#common, this.#rest, this.#named, ...ofSources];
  }

  // --- Time

  passUntil(nowMs: number): void {
    this.#nowMs = nowMs;
    this.expire();
  }

  /** All that is due goes. */
  expire(): void {
    for (const [job, { pushedMs, points }] of this.sources) {
      const { pruneMs, forgetMs } = this.file.senders[job];
      const isSilent = (ms: number): boolean => ms > 0 && this.#nowMs > pushedMs + ms;
      if (isSilent(forgetMs)) this.#forget(job);
      else if (isSilent(pruneMs))
        for (const [key, { series }] of points) if (isGauge(series)) points.delete(key);
    }
    for (const { points } of this.sources.values())
      for (const [key, { series, namedMs }] of points) if (this.#isDue(series, namedMs)) points.delete(key);
    for (const [key, { series, namedMs }] of this.#common) {
      if (!this.#isDue(series, namedMs)) continue;
      this.#common.delete(key);
      // Nobody can tell it from what sources left of it.
      this.#rest.delete(key);
    }
    for (const [key, { series, atMs }] of this.#named)
      if (this.#isDue(series, atMs)) for (const map of this.#maps()) map.delete(key);
    this.#moveWindows();
  }

  #isDue({ family, l }: Series, namedMs: number): boolean {
    return namedMs + ttlMsOf(this.file, family, l) <= this.#nowMs;
  }

  #moveWindows(): void {
    for (const [key, point] of this.#common) {
      if (this.#windowOf(point.series) === undefined) continue;
      const recent = this.#left(point, point.series);
      const value = this.#together(
        point.series,
        recent.map((each) => each.value),
      );
      if (value === undefined) for (const map of this.#maps()) map.delete(key);
      else this.#common.set(key, { ...point, recent, value });
    }
  }

  #left(point: Point | undefined, series: Series): Point['recent'] {
    const slotMs = Math.ceil((this.#windowOf(series) ?? Infinity) / (SLOTS - 1));
    const first = Math.floor(this.#nowMs / slotMs) - SLOTS;
    return point?.recent.filter(({ atMs }) => Math.floor(atMs / slotMs) > first) ?? [];
  }

  /** Where any sender pushes by job there is none. */
  #windowOf({ family, l }: Series, file: RuleFile = this.file): number | undefined {
    if (modesOf(file) !== 'add' || !isGauge({ family })) return undefined;
    return gaugeRuleOf(file, family, l).windowMs;
  }

  // --- Rules

  /** Whether they are taken. */
  setRules(file: RuleFile, { accepts }: { readonly accepts: boolean }): boolean {
    const turned = [...this.sources.keys()].filter((job) => file.senders[job].mode === 'add');
    if (turned.length > 0 && !accepts) return false;
    const before = this.file;
    this.file = file;
    this.#followTtls(before);
    this.#followGauges(before);
    this.#followModes(before);
    this.#followWindows(before);
    this.#followBuckets(before);
    if (!file.summaries) this.drop((family) => family === 's');
    for (const job of turned) this.retire(job);
    return true;
  }

  #followGauges(before: RuleFile): void {
    const isOther = ({ series }: Point): boolean =>
      isGauge(series) && this.#policyOf(series) !== gaugeRuleOf(before, series.family, series.l).policy;
    for (const [key, point] of this.#common) if (isOther(point)) this.#common.delete(key);
    for (const { points, order } of this.sources.values())
      for (const [key, point] of points) {
        if (!isOther(point)) continue;
        if (canHave(this.#policyOf(point.series), point.value)) points.set(key, { ...point, order });
        else points.delete(key);
      }
  }

  /** What somebody had whom nobody knows any more is what was added where all add, and what nobody takes back where all push by job. */
  #followModes(before: RuleFile): void {
    const [was, is] = [modesOf(before), modesOf(this.file)];
    if (was === is) return;
    if (was === 'add' && is === 'by-job')
      for (const [key, point] of this.#common) {
        this.#common.delete(key);
        if (isGauge(point.series)) continue;
        this.#keep({ series: point.series, amounts: new Map([[0, point.value]]), isRebound: false });
      }
    if (is !== 'add') return;
    for (const job of this.sources.keys()) this.#forget(job);
    for (const [key, { series, amounts }] of this.#rest) {
      if (!isPoint(series)) continue;
      this.#rest.delete(key);
      const value = amounts.get(0)! + (this.#common.get(key)?.value ?? 0);
      const namedMs = this.#named.get(key)!.atMs;
      this.#common.set(key, { series, value, order: 0, namedMs, recent: [] });
    }
  }

  #followWindows(before: RuleFile): void {
    for (const [key, point] of this.#common)
      if (this.#windowOf(point.series) !== this.#windowOf(point.series, before))
        this.#common.set(key, { ...point, recent: [{ value: point.value, atMs: this.#nowMs }] });
  }

  #followBuckets(before: RuleFile): void {
    for (const totals of [this.#rest, ...[...this.sources.values()].map((source) => source.totals)])
      for (const [key, total] of totals) {
        const { family, l } = total.series;
        if (family !== 'h') continue;
        const [was, is] = [before.buckets[l], this.file.buckets[l]];
        const areKnown = was === undefined || is?.every((bound) => was.includes(bound)) === true;
        const isRebound = total.isRebound || !areKnown;
        totals.set(key, { ...total, amounts: folded(total.amounts, is), isRebound });
      }
  }

  /**
   * Where nothing of a family went before, nobody knows when it was named: it counts as named now. Of what a source has, that is when it pushed, unless
   * it is known that it left it out.
   */
  #followTtls(before: RuleFile): void {
    const isNew = ({ series: { family } }: { readonly series: Series }): boolean =>
      !mayExpire(before, family) && mayExpire(this.file, family);
    const atMs = this.#nowMs;
    for (const [key, each] of this.#named) if (isNew(each)) this.#named.set(key, { ...each, atMs });
    for (const [key, point] of this.#common)
      if (isNew(point)) this.#common.set(key, { ...point, namedMs: atMs });
    if (this.file.ttls.some(({ ttlMs }) => ttlMs > 0)) return;
    for (const { points, pushedMs } of this.sources.values())
      for (const [key, point] of points) points.set(key, { ...point, namedMs: pushedMs });
  }

  #policyOf({ family, l }: Series): GaugePolicyOf {
    return isGauge({ family }) ? gaugeRuleOf(this.file, family, l).policy : 'sum';
  }

  /** Several values as one; undefined where none of them is a value. */
  #together(series: Series, values: readonly number[]): number | undefined {
    const policy = this.#policyOf(series);
    const counting = values.filter((value) => canHave(policy, value));
    if (counting.length === 0) return undefined;
    if (policy === 'last' || policy === 'count') return counting.at(-1);
    return shownOf(
      policy,
      counting.map((value, order) => ({ value, order })),
    );
  }

  /** Series of one push that are the same without their pod are one. */
  #merged(samples: readonly Sample[], job: Job): readonly Merged[] {
    const all = new Map<string, Merged>();
    for (const { family, l, pod, amounts } of samples) {
      if (family === 's' && !this.file.summaries) continue;
      const labels = losesPod(this.file, family, job) ? `l="${l}"` : `l="${l}",pod="${pod}"`;
      const series = { family, l, labels, key: `${family}{${labels}}` };
      const before = all.get(series.key) ?? { series, values: [], amounts: new Map() };
      const own = family === 'h' ? folded(amounts, this.file.buckets[l]) : amounts;
      const values = [...before.values, amounts.get(0) ?? 0];
      all.set(series.key, { series, values, amounts: added(before.amounts, own) });
    }
    return [...all.values()];
  }

  // --- The page

  page(): string {
    const lines: string[] = [];
    for (const family of ['c_total', 'g', 'h', 'k', 's', 'u'] as const) {
      const all = new Map<string, Series>();
      for (const map of this.#maps())
        if (map !== this.#named)
          for (const { series } of map.values()) if (series.family === family) all.set(series.key, series);
      if (all.size > 0) lines.push(`# TYPE ${family} ${types[family]}`);
      const inOrder = [...all.values()].toSorted((a, b) => (a.labels < b.labels ? -1 : 1));
      for (const series of inOrder) lines.push(...this.#linesOf(series));
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #linesOf(series: Series): readonly string[] {
    const { family, key, labels } = series;
    const sources = [...this.sources.values()];
    const points = [this.#common, ...sources.map((each) => each.points)].flatMap((map) => map.get(key) ?? []);
    const totals = [this.#rest, ...sources.map((each) => each.totals)].flatMap((map) => map.get(key) ?? []);
    const amounts = totals.reduce<Amounts>((all, each) => added(all, each.amounts), new Map());
    if (isGauge(series)) return [`${key} ${written(shownOf(this.#policyOf(series), points))}`];
    if (family === 'u')
      return [`${key} ${points.reduce((sum, { value }) => sum + value, amounts.get(0) ?? 0)}`];
    if (family === 'c_total') return [`${key} ${amounts.get(0)!}`];
    const ends = [
      `${family}_sum{${labels}} ${amounts.get('sum')!}`,
      `${family}_count{${labels}} ${upTo(amounts, Infinity)}`,
    ];
    if (family === 's') return ends;
    const bounds = boundsOf(amounts).map(
      (bound) => `h_bucket{${labels},le="${written(bound)}"} ${upTo(amounts, bound)}`,
    );
    return [...bounds, ...ends];
  }
}

type GaugePolicyOf = ReturnType<typeof gaugeRuleOf>['policy'];

/** What a push says of one series. */
interface Merged {
  readonly series: Series;
  readonly values: readonly number[];
  readonly amounts: Amounts;
}

export const types = {
  c_total: 'counter',
  g: 'gauge',
  h: 'histogram',
  k: 'gauge',
  s: 'summary',
  u: 'untyped',
} as const satisfies Record<Family, string>;

function isGauge({ family }: { readonly family: Family }): boolean {
  return types[family] === 'gauge';
}

export function isPoint({ family }: { readonly family: Family }): boolean {
  return isGauge({ family }) || family === 'u';
}

function canHave(policy: GaugePolicyOf, value: number): boolean {
  if (policy === 'last') return true;
  return policy === 'sum' || policy === 'avg' ? Number.isFinite(value) : !Number.isNaN(value);
}

function shownOf(policy: GaugePolicyOf, all: readonly Pick<Point, 'value' | 'order'>[]): number {
  const values = all.map(({ value }) => value);
  const sum = values.reduce((total, value) => total + value, 0);
  if (policy === 'last') return all.toSorted((a, b) => a.order - b.order).at(-1)!.value;
  if (policy === 'max') return Math.max(...values);
  if (policy === 'min') return Math.min(...values);
  if (policy === 'count') return values.length;
  return policy === 'avg' ? sum / values.length : sum;
}

export function added(one: Amounts, other: Amounts): Amounts {
  const all = new Map(one);
  for (const [at, amount] of other) all.set(at, (all.get(at) ?? 0) + amount);
  return all;
}

export function boundsOf(amounts: Amounts): readonly number[] {
  return [...amounts.keys()].filter((at) => at !== 'sum').toSorted((a, b) => a - b);
}

export function upTo(amounts: Amounts, bound: number): number {
  return boundsOf(amounts).reduce((sum, at) => (at <= bound ? sum + amounts.get(at)! : sum), 0);
}

/** What is in a bucket goes to the lowest that is listed and takes it. */
export function folded(amounts: Amounts, list: readonly number[] | undefined): Amounts {
  if (list === undefined) return amounts;
  const placeOf = (at: number | 'sum'): number | 'sum' =>
    at === 'sum' ? at : (list.find((bound) => at <= bound) ?? Infinity);
  return [...amounts].reduce<Amounts>(
    (all, [at, amount]) => added(all, new Map([[placeOf(at), amount]])),
    new Map(),
  );
}

/** A smaller count or bucket, or other bounds, unless a rule has changed these. */
function hasBegunAnew({ amounts: before, isRebound }: Total, now: Amounts): boolean {
  if (upTo(now, Infinity) < upTo(before, Infinity)) return true;
  const shared = boundsOf(now).filter((bound) => before.has(bound));
  if (isRebound) return shared.some((bound) => upTo(now, bound) < upTo(before, bound));
  const areSame = shared.length === boundsOf(now).length && now.size === before.size;
  return !areSame || shared.some((bound) => now.get(bound)! < before.get(bound)!);
}

export function written(value: number): string {
  return String(value).replace('Infinity', 'Inf').replace(/^Inf/, '+Inf');
}
