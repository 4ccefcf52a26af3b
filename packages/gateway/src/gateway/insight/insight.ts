/**
 * What the gateway knows of itself beside what it holds: who pushed lately and what that changed, who adds to what, and who watches. It is telemetry
 * (docs/decisions/0054-insight.md): in memory, bounded, no part of the state and its log, and left out of a push by one check where nothing is to be
 * looked at.
 */
import type { PushOutcome } from '../../model/push-outcome.ts';
import { RequestError } from '../../model/errors.ts';
import type { Log } from '../../primitives/log.ts';
import { flatText } from '../../primitives/flat-text.ts';
import { quote, shorten } from '../../primitives/quote.ts';
import { TextScratch } from '../../store/text-scratch.ts';
import type { Batch } from '../../store/batch.ts';
import type { PushRequest } from '../api.ts';
import type {
  AuditEntry,
  EventReader,
  ExplainRequest,
  FamiliesRequest,
  FamilyRequest,
  HistoryRequest,
  InsightAnswer,
  InsightApi,
  LimitsRequest,
  Pusher,
  ScrapeNote,
  ShownScraper,
  SourcesRequest,
} from '../insight-api.ts';
import type { RulesInForce } from '../../rules/rules.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Scrapes } from '../scrapes/scrapes.ts';
import { AuditLog } from './audit-log.ts';
import { EventHub, eventText } from './event-hub.ts';
import { History } from './history.ts';
import { LookRate } from './look-rate.ts';
import { labelPath } from './path-of-key.ts';
import { PerSecond } from './per-second.ts';
import { PushNotes } from './push-notes.ts';
import { Questions } from './questions.ts';
import { ScraperNotes } from './scraper-notes.ts';
import { SeenPush } from './seen-push.ts';
import type { PushChange } from './seen-push.ts';

/** For so long it is counted exactly who adds to a family. */
const WATCH_MS = 60_000;
/** Pushes that who begins to watch sees first. */
export const RECENT_MAX = 100;
/** Families of one push that events are made of. */
const FAMILIES_TOLD_MAX = 5;
/** Of pushes that are retries, of which nothing else is seen. */
const REPLAYS_A_SECOND = 10;
/** Looks at pushes in a second, where somebody watches and where nobody does. */
const LOOKS_WATCHED = 48;
const LOOKS_UNWATCHED = 16;
/** Some push is looked at in such a time. */
const QUIET_MS = 500;
/** That those who watch are told of. */
const REFUSALS_A_SECOND = 50;

interface PushEvent {
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly path: string;
  readonly method: string;
  readonly outcome: PushOutcome;
  readonly samples: number | null;
  readonly newSeries: number;
  readonly token: string | null;
  readonly address: string | null;
  readonly changes: readonly PushChange[];
  readonly more: number;
  /** Pushes before it that were not looked at, as there were many. */
  readonly missed: number;
}

interface InsightDeps {
  readonly ledger: Ledger;
  readonly scrapes: Pick<Scrapes, 'read'>;
  readonly rules: Pick<RulesInForce, 'current'>;
  readonly log: Log;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

export class Insight implements InsightApi {
  pushPath = '/metrics/';
  configFile: () => string | null = () => null;
  readonly rate: LookRate;
  readonly notes: PushNotes;
  readonly events: EventHub = new EventHub();
  readonly #ledger: Ledger;
  readonly #scratch: TextScratch;
  /** In a ring. */
  readonly #recent: PushEvent[] = [];
  #told = 0;
  readonly #replays: PerSecond;
  readonly #refusals: PerSecond;
  #missedRefusals = 0;
  /** Set where the next push may be passed by. */
  #quiet: NodeJS.Timeout | undefined;
  readonly #lookAtNext = (): void => {
    this.#quiet = undefined;
    this.rate.lookAtNext();
    this.notes.recent.lookAtNext();
  };
  /** Pushes since the last that is shown. */
  #missed = 0;

  readonly #questions: Questions;
  readonly #history: History;
  readonly #log: Log;
  /** The log says it once. */
  #hasFailed = false;
  readonly #scrapers = new ScraperNotes();
  readonly #audit = new AuditLog();

  constructor(deps: InsightDeps) {
    const { ledger, now } = deps;
    this.#ledger = ledger;
    this.#log = deps.log;
    this.#replays = new PerSecond(now, REPLAYS_A_SECOND);
    this.#refusals = new PerSecond(now, REFUSALS_A_SECOND);
    this.notes = new PushNotes(now);
    this.#history = new History(ledger);
    this.#questions = new Questions({ ...deps, notes: this.notes, history: this.#history });
    this.rate = new LookRate(now);
    this.#scratch = new TextScratch(ledger.state.hashSeed);
  }

  /** Whether the next push is to be seen; to be asked once for each. */
  isDue(): boolean {
    return this.rate.isDue();
  }

  /** To be called with such a push before it is applied. What goes wrong here is no matter of the push. */
  see(batch: Batch, request: PushRequest): SeenPush | undefined {
    return this.#safely(() => this.#see(batch, request));
  }

  #see(batch: Batch, { key, by, client }: PushRequest): SeenPush | undefined {
    const { rate } = this;
    rate.perSecond = this.events.isWatched ? LOOKS_WATCHED : LOOKS_UNWATCHED;
    const weight = rate.begin();
    if (rate.isSparse && this.#quiet === undefined)
      this.#quiet = setTimeout(this.#lookAtNext, QUIET_MS).unref();
    this.#history.start();
    const { state } = this.#ledger;
    const how = { state, weight, nowMs: this.#ledger.nowMs() };
    this.notes.pushed({ key, by, address: client?.sender }, batch, how);
    this.#missed += weight - 1;
    if (!rate.isWithin) {
      this.#missed += 1;
      return undefined;
    }
    const seen = new SeenPush(this.#missed, batch, state);
    this.#missed = 0;
    return seen;
  }

  /** To be called once it is applied, before anything else is. */
  applied(seen: SeenPush): void {
    this.#safely(() => seen.applied(this.#ledger.state, this.#scratch));
  }

  /** To be called once it is committed. */
  pushed(seen: SeenPush, request: PushRequest, outcome: PushOutcome): void {
    this.#safely(() => this.#pushed(seen, request, outcome));
  }

  #pushed(seen: SeenPush, request: PushRequest, outcome: PushOutcome): void {
    const { samples, newSeries, changes, more, missed } = seen;
    const { method, by, client } = request;
    this.#tell({
      time: this.#ledger.wallMs() / 1000,
      path: this.#pathOf(request),
      method,
      outcome,
      samples,
      newSeries,
      token: by ?? null,
      address: client?.sender ?? null,
      changes,
      more,
      missed,
    });
    if (newSeries > 0 && this.events.isWatched) this.#tellFamilies(changes);
  }

  replayed(request: PushRequest): void {
    if (!this.#replays.take()) return;
    const nothing = { samples: null, newSeries: 0, changes: [], more: 0, missed: 0 };
    this.#tell({ ...this.#head(request, 'replayed'), ...nothing });
  }

  watch(reader: EventReader): () => void {
    const end = this.events.subscribe(reader);
    const first = Math.max(this.#told - RECENT_MAX, 0);
    const recent = Array.from(
      { length: this.#told - first },
      (_, i) => this.#recent[(first + i) % RECENT_MAX]!,
    );
    for (const push of recent) reader.take(eventText('push', { ...push, past: true }));
    return end;
  }

  refused(shown: () => object): void {
    if (!this.events.isWatched) return;
    if (this.#refusals.take()) {
      const missed = this.#missedRefusals;
      this.events.publish('refusal', missed === 0 ? shown() : { ...shown(), missed });
      this.#missedRefusals = 0;
    } else this.#missedRefusals += 1;
  }

  pushRefused(pusher: Pusher): void {
    this.notes.refused(pusher, this.#ledger.nowMs());
  }

  families(request: FamiliesRequest): Promise<InsightAnswer> {
    // Nothing may have been pushed since the start.
    this.#history.start();
    return this.#questions.families(request);
  }

  family(request: FamilyRequest): Promise<InsightAnswer> {
    return this.#questions.family(request);
  }

  sources(request: SourcesRequest): Promise<InsightAnswer> {
    return this.#questions.sources(request);
  }

  explain(request: ExplainRequest): Promise<InsightAnswer> {
    return this.#questions.explain(request);
  }

  rules(client: { readonly isGone: boolean }): Promise<InsightAnswer> {
    return this.#questions.rules(this.configFile(), client);
  }

  pushedMetrics(client: { readonly isGone: boolean }): Promise<InsightAnswer> {
    return this.#questions.pushedMetrics(client);
  }

  history(request: HistoryRequest): Promise<object> {
    this.#history.start();
    return this.#questions.history(request);
  }

  scrapers(): readonly ShownScraper[] {
    return this.#scrapers.list();
  }

  audit(): readonly AuditEntry[] {
    return this.#audit.list();
  }

  limits(request: LimitsRequest): Promise<InsightAnswer> {
    return this.#questions.limits(request);
  }

  scraped(note: ScrapeNote): void {
    this.#scrapers.note(note, this.#ledger.wallMs() / 1000);
  }

  audited(entry: Omit<AuditEntry, 'time'>): void {
    this.#audit.add({ ...entry, time: this.#ledger.wallMs() / 1000 });
  }

  watchSenders(family: string): number {
    const nowMs = this.#ledger.nowMs();
    if (this.#ledger.state.families.find(family) === undefined)
      throw new RequestError('not_found', `there is no family ${quote(family)}`);
    this.notes.watch(family, nowMs, nowMs + WATCH_MS);
    this.rate.lookAtAll(WATCH_MS);
    return (this.#ledger.wallMs() + WATCH_MS) / 1000;
  }

  /** Questions that are being answered end, and so does what is watched. */
  close(): void {
    this.events.close();
    clearTimeout(this.#quiet);
    this.#history.close();
    this.#questions.close();
  }

  #head(
    { key, method, by, client }: PushRequest,
    outcome: PushOutcome,
  ): Pick<PushEvent, 'time' | 'path' | 'method' | 'outcome' | 'token' | 'address'> {
    const path = this.#pathOf({ key });
    const time = this.#ledger.wallMs() / 1000;
    return { time, path, method, outcome, token: by ?? null, address: client?.sender ?? null };
  }

  #safely<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!this.#hasFailed) this.#log.error('a look at a push failed', { error: String(error) });
      this.#hasFailed = true;
      return undefined;
    }
  }

  #pathOf({ key }: Pick<PushRequest, 'key'>): string {
    const known = this.notes.path(key.text)?.sender.path;
    return `${this.pushPath}${known ?? flatText(shorten(labelPath(key.labels)))}`;
  }

  #tell(push: PushEvent): void {
    this.#recent[this.#told % RECENT_MAX] = push;
    this.#told += 1;
    this.events.publish('push', push);
  }

  /** Of the series that are shown: which families have more series now. */
  #tellFamilies(changes: readonly PushChange[]): void {
    const { accumulators, families } = this.#ledger.state;
    const told = new Set<number>();
    for (const { series, before } of changes) {
      if (before !== null || told.size === FAMILIES_TOLD_MAX) continue;
      const { view, start, end, hash } = this.#scratch.write(series);
      const accumulator = accumulators.texts.find(view, start, end, hash);
      const family = accumulator < 0 ? undefined : families.byId[accumulators.family[accumulator]!];
      if (family === undefined || told.has(family.id)) continue;
      told.add(family.id);
      const { name, type, accumulatorCount } = family;
      this.events.publish('family', { name, type, series: accumulatorCount });
    }
  }
}
