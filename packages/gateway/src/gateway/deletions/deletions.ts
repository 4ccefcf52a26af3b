/**
 * What an operator has go. It may be a million series: they go a few thousand at a time, each time in a record of their own that lists
 * them, and others have their turn in between. So an exposition may show half of it meanwhile, and what is pushed meanwhile may stay. Records
 * hold no selectors.
 */
import { setImmediate } from 'node:timers/promises';

import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import type { Log, LogFields } from '../../primitives/log.ts';
import { shorten } from '../../primitives/quote.ts';
import { inTurns } from '../../primitives/turns.ts';
import type { Selector } from '../../rules/selector.ts';
import { DropDiscarded, DropSeries, RemoveSources } from '../../wal/commands.ts';
import type { Command } from '../../wal/commands.ts';
import type { Client, Deleted, DeleteRequest } from '../api.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SeriesScan, SourceScan } from './scan.ts';
import type { Scan } from './scan.ts';
import { parseSelectorsInSteps } from './selectors.ts';

interface DeletionDeps {
  readonly ledger: Ledger;
  readonly log: Log;
  /** Applies a command when its turn has come; see Pushes.commit. */
  readonly commit: <Result>(command: Command<Result>, client: Client | undefined) => Promise<Result>;
  /** Throws RequestError where nothing may be changed. */
  readonly checkOpen: () => void;
  readonly onDropped: (what: DeleteRequest['what'], series: number) => void;
}

class Tally implements Deleted {
  series = 0;
  sources = 0;
  firstSeries: readonly string[] = [];
  firstSources: readonly string[] = [];
}

export class Deletions {
  readonly #deps: DeletionDeps;
  #underWay: Promise<Deleted> | undefined;
  #isClosed = false;

  constructor(deps: DeletionDeps) {
    this.#deps = deps;
  }

  /** Resolves once all that goes is committed. Rejects with RequestError, also where a part of it has gone already, or with ClientGone. */
  async run(request: DeleteRequest): Promise<Deleted> {
    const { what, match } = request;
    const selectors = what === 'all' ? undefined : await inTurns(parseSelectorsInSteps(match, what));
    if (this.#underWay !== undefined)
      throw new RequestError('overloaded', 'another deletion is in progress; retry when it is done');
    this.#underWay = this.#run(selectors, request);
    try {
      return await this.#underWay;
    } finally {
      this.#underWay = undefined;
    }
  }

  /** Stops what is under way; resolves when it has stopped. */
  async close(): Promise<void> {
    this.#isClosed = true;
    // Its own caller hears of it.
    await this.#underWay?.catch(() => {});
  }

  async #run(selectors: readonly Selector[] | undefined, request: DeleteRequest): Promise<Deleted> {
    const { ledger, log } = this.#deps;
    const { what, isDryRun } = request;
    const tally = new Tally();
    try {
      // Series first, as some would go with their sources, and not be counted.
      if (what !== 'sources') await this.#series(selectors, request, tally);
      if (what !== 'series') await this.#sources(selectors, request, tally);
      if (what === 'all' && !isDryRun) await this.#commit(new DropDiscarded(), request);
      await ledger.settled();
      await ledger.whenCommitted(ledger.logIndex);
    } catch (error) {
      if (!isDryRun) log.warn('an admin request was not finished', fieldsOf(request, tally));
      throw error;
    }
    if (!isDryRun) log.info('deleted by an admin request', fieldsOf(request, tally));
    return tally;
  }

  async #series(
    selectors: readonly Selector[] | undefined,
    request: DeleteRequest,
    tally: Tally,
  ): Promise<void> {
    const { ledger, onDropped } = this.#deps;
    while (ledger.applying !== undefined) await ledger.applying;
    const scan = new SeriesScan(ledger.state, selectors);
    tally.firstSeries = scan.shown;
    while (!scan.isDone) {
      // So that no number that was found is used again.
      ledger.state.readers.hold();
      try {
        const named = await this.#scanned(scan, request);
        const command = new DropSeries(named);
        const dropped = request.isDryRun || named.length === 0 ? 0 : await this.#commit(command, request);
        tally.series += request.isDryRun ? named.length : dropped;
        onDropped(request.what, dropped);
      } finally {
        ledger.state.readers.letGo();
        ledger.recycle();
      }
    }
  }

  async #sources(
    selectors: readonly Selector[] | undefined,
    request: DeleteRequest,
    tally: Tally,
  ): Promise<void> {
    const { ledger } = this.#deps;
    while (ledger.applying !== undefined) await ledger.applying;
    const scan = new SourceScan(ledger.state, selectors);
    tally.firstSources = scan.shown;
    while (!scan.isDone) {
      const sources = await this.#scanned(scan, request);
      const isNothing = request.isDryRun || sources.length === 0;
      const removed = isNothing ? 0 : await this.#commit(new RemoveSources(sources), request);
      tally.sources += request.isDryRun ? sources.length : removed;
    }
  }

  /** As many as a record lists, looked for while nobody changes the state. */
  async #scanned<T>(scan: Scan<T>, { client }: DeleteRequest): Promise<T> {
    const { ledger } = this.#deps;
    do {
      // Whoever hangs up may have seen a mistake.
      if (client?.isGone === true) throw new ClientGone();
      this.#checkOpen();
      await setImmediate();
      while (ledger.applying !== undefined) await ledger.applying;
      scan.step();
    } while (!scan.isFull && !scan.isDone);
    return scan.take();
  }

  #checkOpen(): void {
    this.#deps.checkOpen();
    if (this.#isClosed) throw new RequestError('shutting_down', 'the gateway is shutting down; retry later');
  }

  #commit<Result>(command: Command<Result>, { client }: DeleteRequest): Promise<Result> {
    return this.#deps.commit(command, client);
  }
}

function fieldsOf({ what, match, remote }: DeleteRequest, { series, sources }: Tally): LogFields {
  return { what, match: what === 'all' ? undefined : shorten(match.join(' ')), series, sources, remote };
}
