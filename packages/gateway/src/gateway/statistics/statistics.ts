/**
 * Who has how many series, for all who ask. One look through all of them at a time: those who ask while there is one wait for the next,
 * and share it, so that each sees what was pushed before it asked. A look takes a place among the scrapes, and a view as they do.
 */
import { setImmediate } from 'node:timers/promises';

import { inExpositionTurns } from '../../exposition/exposition-turns.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import type { GatewayApi, SeriesStatistics } from '../api.ts';
import type { Scrapes } from '../scrapes/scrapes.ts';
import type { PairBounds } from './label-pairs.ts';
import { SeriesCounts } from './series-counts.ts';

/** For all of a look, from when it waits for its place. */
const LOOK_MS = 120_000;

interface StatisticsDeps {
  readonly scrapes: Pick<Scrapes, 'read'>;
  readonly bounds: PairBounds;
}

/** Who asks; undefined for one that waits in any case. */
type Asker = Parameters<GatewayApi['statistics']>[0];

/** One look, for those who asked before it began. */
interface Look {
  readonly clients: Asker[];
  readonly result: Promise<SeriesStatistics>;
}

export class Statistics {
  readonly #deps: StatisticsDeps;
  /** The one that has not begun. */
  #next: Look | undefined;
  /** Settles when the last one has ended. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(deps: StatisticsDeps) {
    this.#deps = deps;
  }

  /** Rejects with RequestError, or with ClientGone where nobody waits any more. */
  ask(client: Asker): Promise<SeriesStatistics> {
    if (this.#next === undefined) {
      const clients: Asker[] = [];
      const result = this.#last.then(() => this.#look(clients));
      this.#next = { clients, result };
      this.#last = result.catch(() => {});
    }
    this.#next.clients.push(client);
    return this.#next.result;
  }

  /** What is under way stops at its next turn, and those who wait hear of it. */
  close(): void {
    this.#isClosed = true;
  }

  async #look(clients: readonly Asker[]): Promise<SeriesStatistics> {
    // Many may ask in the same turn.
    await setImmediate();
    this.#next = undefined;
    this.#check(clients);
    const { scrapes, bounds } = this.#deps;
    const result = scrapes.read({ network: 'statistics', timeoutMs: LOOK_MS }, (view, check) => {
      const counts = new SeriesCounts(bounds);
      function* steps(): Generator<void, SeriesStatistics> {
        yield* counts.count(view);
        return yield* counts.statistics();
      }
      return inExpositionTurns(steps(), () => {
        check();
        this.#check(clients);
      });
    });
    return result.catch((error: unknown) => {
      throw isOverload(error) ? tooBusy() : error;
    });
  }

  #check(clients: readonly Asker[]): void {
    if (this.#isClosed) throw new RequestError('shutting_down', 'the gateway is shutting down; retry later');
    if (clients.every((client) => client?.isGone === true)) throw new ClientGone();
  }
}

function isOverload(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'overloaded';
}

function tooBusy(): RequestError {
  return new RequestError(
    'overloaded',
    'too many scrapes are in progress to count the series in time; retry later, or raise --limit.scrapes',
  );
}
