/**
 * Pages for all who ask, so many at a time. Those who wait share the next view that is opened: each page shows everything that
 * was answered before it was asked for, and none costs a copy of the sums for itself alone.
 *
 *   asked ─▶ waits for a place and for memory ─▶ view ─▶ text, as fast as it is read ─▶ taken whole
 *              └ queue full, waited too long: 503              └ stalled, too old, in the way of others: cut off
 */
import { viewBytes } from '../../read/view.ts';
import type { OpenView } from '../../read/view.ts';
import { ScrapeCache } from '../../exposition/scrape-cache.ts';
import { encodeExposition } from '../../exposition/page.ts';
import type { LeftOut } from '../../exposition/escaping/escaped-family.ts';
import { plainText } from '../../model/exposition-format.ts';
import type { ReadView } from '../../model/read-view.ts';
import type { CutReason, Scrape, ScrapeRequest } from '../api.ts';
import type { ExpiryClock } from '../ledger/expiry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { GatewayOptions } from '../options.ts';
import type { ScrapeBounds } from './scrape-bounds.ts';
import type { ExpositionConfig } from '../../store/exposition-config.ts';
import { scraperKey } from '../../store/scrapers.ts';
import { ScrapeQueue } from './scrape-queue.ts';
import { cutError, ScrapeTurn, turnedAwayError } from './scrape-turn.ts';
import type { Seen, TurnedAwayReason } from './scrape-turn.ts';

/** What the plan of a page takes for each family. */
const PLAN_BYTES = 200;
/** A scrape waits no longer than this for others than scrapes to let go of freed series. */
const HOLD_MS = 2_000;
/** Where memory is far too short, a page that is read fast is given so many times the patience that a slow one is. */
const OLD_GRACES = 2;

/** So many looks may come late without that counting for the readers. */
const CHECKS_MISSED_MAX = 4;

interface ScrapesDeps {
  readonly ledger: Ledger;
  readonly expiry: ExpiryClock;
  readonly options: GatewayOptions;
  readonly bounds: ScrapeBounds;
  readonly onLeftOut: (leftOut: LeftOut) => void;
  readonly onCut: (reason: CutReason) => void;
  readonly onTurnedAway: (reason: TurnedAwayReason) => void;
  /** Milliseconds that pass evenly. */
  readonly now?: () => number;
}

export interface ScrapesReport {
  readonly open: number;
  readonly waiting: number;
  readonly views: number;
  /** Of views, of what readers have not taken, and of freed series that cannot be used again. */
  readonly bytes: number;
}

export class Scrapes {
  readonly #deps: ScrapesDeps;
  readonly #now: () => number;
  readonly #queue: ScrapeQueue;
  #kept: ScrapeCache;
  /** What the cache has was shown so. */
  #keptFor: ExpositionConfig | undefined;
  /** The oldest first. */
  #views: OpenView[] = [];
  #opening = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: ScrapesDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? (() => performance.now());
    this.#queue = new ScrapeQueue(deps.bounds);
    this.#kept = new ScrapeCache(deps.options.scrapeCacheBytesMax);
  }

  get report(): ScrapesReport {
    const { open, waiting } = this.#queue;
    return { open: open.size, waiting: waiting.size, views: this.#openViews().length, bytes: this.#bytes() };
  }

  /** See GatewayApi.scrape. */
  begin(request: ScrapeRequest): Scrape {
    const turn = this.#enter(request);
    const slices = this.#write(turn);
    return {
      [Symbol.asyncIterator]: () => slices,
      close: () => {
        this.#end(turn, closed());
        this.#pump();
      },
    };
  }

  /**
   * Has a view read by something other than an exposition, which takes a place as one does. `check` throws when it must not be read any more,
   * as may be at the beginning of each turn of the event loop.
   */
  async read<T>(
    request: Pick<ScrapeRequest, 'network' | 'timeoutMs'>,
    reader: (view: ReadView, check: () => void) => Promise<T>,
  ): Promise<T> {
    const turn = this.#enter(request);
    try {
      return await reader(await turn.admitted, () => turn.check());
    } finally {
      this.#end(turn, closed());
      this.#pump();
    }
  }

  #enter(request: ScrapeRequest): ScrapeTurn {
    const { ledger, bounds } = this.#deps;
    const { accumulators, families } = ledger.state;
    const bytes = (request.reader?.bufferBytes ?? 0) + families.size * PLAN_BYTES;
    const turn = new ScrapeTurn(
      request,
      { nowMs: this.#now(), sinceGeneration: accumulators.generation, bytes },
      bounds,
    );
    const turnedAway = this.#queue.enter(turn);
    if (turnedAway !== undefined) this.#turnAway(turnedAway, 'queue_full');
    this.#timer ??= setInterval(() => this.check(), bounds.checkMs).unref();
    this.#pump();
    return turn;
  }

  /** Looks at readers and the clock. Called by a timer while there is a scrape. */
  check(): void {
    const { bounds } = this.#deps;
    const nowMs = this.#now();
    for (const turn of this.#queue.open) {
      turn.pace.look(nowMs, bounds.checkMs * CHECKS_MISSED_MAX);
      if (nowMs >= turn.deadlineMs) this.#cut(turn, 'lifetime');
      else if (nowMs - turn.pace.tookMs >= bounds.stallMs) this.#cut(turn, 'stalled');
    }
    for (const turn of this.#queue.waiting) if (nowMs >= turn.waitUntilMs) this.#turnAway(turn, 'waited');
    this.#spareMemory();
    this.#pump();
  }

  async *#write(turn: ScrapeTurn): AsyncGenerator<Uint8Array, void, undefined> {
    const page = await turn.admitted;
    const { created, nativeAsClassic } = turn.exposition;
    const slices = encodeExposition(page, turn.request.format ?? plainText, {
      kept: this.#cacheFor(turn.exposition),
      options: { created, nativeAsClassic },
      onLeftOut: this.#deps.onLeftOut,
      onTurn: () => turn.check(),
    });
    const { seen } = turn;
    try {
      // What it is taken to have seen it must have seen after a restart as well.
      if (seen !== undefined) await this.#deps.ledger.whenCommitted(seen.logIndex);
      turn.check();
      for await (const slice of slices) {
        yield slice;
        turn.check();
      }
      // Not reached when the reader went away before the end.
      if (seen !== undefined) await this.#deps.ledger.noteScrape(seen.scraper, turn.epoch);
    } finally {
      turn.closeExposition();
      if (turn.request.reader === undefined) this.#end(turn, closed());
      this.#pump();
    }
  }

  /** Lets in who can be let in, and makes room for the next one where others are slow. */
  #pump(): void {
    for (;;) {
      const turn = this.#queue.next();
      if (turn === undefined) return;
      if (this.#queue.hasPlace) {
        const view = this.#openViews().findLast(({ generation }) => generation >= turn.sinceGeneration);
        if (view !== undefined && this.#fits(turn.bytes)) {
          this.#admit(turn, view);
          continue;
        }
        if (view === undefined) {
          // Whoever opens it comes back here.
          if (this.#opening || this.#mustRecycleFor(turn)) return;
          if (this.#fits(turn.bytes + viewBytes(this.#deps.ledger.state))) {
            void this.#open();
            return;
          }
        }
      }
      const victim = this.#queue.victim(turn);
      if (victim === undefined) return;
      this.#cut(victim, 'pressure');
    }
  }

  #admit(turn: ScrapeTurn, view: OpenView): void {
    this.#queue.admit(turn);
    turn.admit(view, view.exposition.zeroFirst ? this.#seenBy(turn) : undefined);
  }

  /** What the scraper has seen that is to see as 0 what is new to it. The other formats show start times, which say the same and more. */
  #seenBy({ request }: ScrapeTurn): Seen | undefined {
    const { format = plainText, scraper: name } = request;
    if (name === undefined || format.format !== 'text') return undefined;
    const { ledger } = this.#deps;
    const scraper = scraperKey(name);
    return { scraper, epoch: ledger.state.showing.scrapers.lastEpoch(scraper), logIndex: ledger.logIndex };
  }

  /** What was kept was shown otherwise, where that has changed. */
  #cacheFor(exposition: ExpositionConfig): ScrapeCache {
    if (this.#keptFor !== undefined && this.#keptFor !== exposition)
      this.#kept = new ScrapeCache(this.#deps.options.scrapeCacheBytesMax);
    this.#keptFor = exposition;
    return this.#kept;
  }

  async #open(): Promise<void> {
    const { expiry, ledger } = this.#deps;
    this.#opening = true;
    let view: OpenView | undefined;
    try {
      await expiry.run();
      view = await ledger.openView();
      this.#views.push(view);
    } catch (error) {
      const why = error instanceof Error ? error : new Error(String(error));
      for (const turn of this.#queue.waiting) this.#end(turn, why);
    }
    this.#opening = false;
    this.#pump();
    // It lives on with its pages, and closes at once if all who waited for it have gone.
    view?.close();
  }

  /** One is always let in. */
  #fits(bytes: number): boolean {
    let isFirst = true;
    for (const { hasExposition } of this.#queue.open) isFirst &&= !hasExposition;
    return isFirst || this.#bytes() + bytes <= this.#deps.bounds.viewsBytesMax;
  }

  #bytes(): number {
    const { state } = this.#deps.ledger;
    const views = this.#openViews();
    let bytes = views.length > 0 && state.isRecyclingDue ? state.accumulators.pendingFreeBytes : 0;
    for (const view of views) bytes += view.bytes;
    for (const turn of this.#queue.open) bytes += turn.bytes;
    return bytes;
  }

  /**
   * While no view is open, numbers of freed accumulators can be used again. Where that would free much and a long push or a snapshot
   * stands in its way, the scrape waits a little, as views that follow each other closely would put it off for ever.
   */
  #mustRecycleFor(turn: ScrapeTurn): boolean {
    const { ledger, bounds } = this.#deps;
    if (this.#openViews().length > 0 || !ledger.state.isRecyclingDue) return false;
    if (ledger.applying === undefined) ledger.recycle();
    const { isRecyclingDue, accumulators } = ledger.state;
    return (
      isRecyclingDue &&
      accumulators.pendingFreeBytes * 2 > bounds.viewsBytesMax &&
      this.#now() - turn.arrivedMs < HOLD_MS
    );
  }

  /**
   * What views keep from being used again grows while they are open, also when nobody waits. The oldest is not cut for what it takes
   * itself, which it was let in with.
   */
  #spareMemory(): void {
    const { viewsBytesMax, graceMs } = this.#deps.bounds;
    for (;;) {
      const oldest = [...this.#queue.open].find(({ hasExposition }) => hasExposition);
      const bytesMax = Math.max(viewsBytesMax, (oldest?.bytesAtFirst ?? 0) + viewsBytesMax / 2);
      const bytes = this.#bytes();
      if (bytes <= bytesMax) return;
      const isTooMuch = bytes > bytesMax + viewsBytesMax;
      const isOld = oldest !== undefined && this.#now() - oldest.arrivedMs >= graceMs * OLD_GRACES;
      const victim = this.#queue.victim() ?? (isTooMuch && isOld ? oldest : undefined);
      if (victim === undefined) return;
      this.#cut(victim, 'pressure');
    }
  }

  #openViews(): readonly OpenView[] {
    if (this.#views.some(({ isOpen }) => !isOpen)) this.#views = this.#views.filter(({ isOpen }) => isOpen);
    return this.#views;
  }

  #cut(turn: ScrapeTurn, reason: CutReason): void {
    this.#end(turn, cutError(reason));
    this.#deps.onCut(reason);
    turn.request.reader?.cut(reason);
  }

  #turnAway(turn: ScrapeTurn, reason: TurnedAwayReason): void {
    this.#end(turn, turnedAwayError(reason));
    this.#deps.onTurnedAway(reason);
  }

  #end(turn: ScrapeTurn, why: Error): void {
    turn.end(why);
    this.#queue.leave(turn);
    const { open, waiting } = this.#queue;
    if (open.size + waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function closed(): Error {
  return new Error('the scraper closed the connection');
}
