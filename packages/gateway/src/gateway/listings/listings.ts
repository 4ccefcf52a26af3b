/**
 * What metrics, labels and series there are, for tools that ask Prometheus. Each request is one look through a view, with a place among the
 * scrapes; one at a time, as each may take some megabytes.
 */
import { inExpositionTurns } from '../../exposition/exposition-turns.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import type { ReadView } from '../../model/read-view.ts';
import { checkMatchCount, parseMatch } from '../../rules/match-parameter.ts';
import type { Selector } from '../../rules/selector.ts';
import type { Listed, ListRequest } from '../api.ts';
import type { Scrapes } from '../scrapes/scrapes.ts';
import type { List } from './list.ts';
import { Look } from './look.ts';
import { listMetadata } from './metadata.ts';
import { SeriesList } from './series-list.ts';
import { LabelNames, valuesOf } from './text-list.ts';

/** For all of a look, from when it waits for its place. */
const LOOK_MS = 120_000;
/** Of an answer, and of what is collected for one. */
const LIST_BYTES_MAX = 8 * 1024 * 1024;

/** A first match takes milliseconds with so much, and could take a second with all that RE2 allows; these selectors may be anybody's. */
const REPETITION_MAX = 256;

interface ListingsDeps {
  readonly scrapes: Pick<Scrapes, 'read'>;
  readonly bytesMax?: number;
}

/** Undefined is all series. */
type Selectors = readonly Selector[] | undefined;

export class Listings {
  readonly #deps: ListingsDeps;
  readonly #bytesMax: number;
  /** Settles when the last look has ended. */
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(deps: ListingsDeps) {
    this.#deps = deps;
    this.#bytesMax = deps.bytesMax ?? LIST_BYTES_MAX;
  }

  /** Rejects with RequestError, or with ClientGone where nobody waits any more. */
  list(request: ListRequest): Promise<Listed> {
    // What is wrong with a request is said at once.
    return this.#selectorsOf(request).then((selectors) => {
      const result = this.#last.then(() => this.#look(request, selectors));
      this.#last = result.catch(() => {});
      return result;
    });
  }

  /** What is under way stops at its next turn, and what waits does not begin. */
  close(): void {
    this.#isClosed = true;
  }

  async #selectorsOf(request: ListRequest): Promise<Selectors> {
    const match = matchOf(request);
    if (match.length === 0) return undefined;
    return inExpositionTurns(parsed(match), () => this.#check(request));
  }

  async #look(request: ListRequest, selectors: Selectors): Promise<Listed> {
    this.#check(request);
    const place = { network: 'listings', timeoutMs: LOOK_MS };
    const result = this.#deps.scrapes.read(place, (view, check) =>
      inExpositionTurns(this.#steps(view, request, selectors), () => {
        check();
        this.#check(request);
      }),
    );
    return result.catch((error: unknown) => {
      throw isOverload(error) ? tooBusy() : error;
    });
  }

  *#steps(view: ReadView, request: ListRequest, selectors: Selectors): Generator<void, Listed> {
    const { limit } = request;
    const bytesMax = this.#bytesMax;
    if (request.what === 'metadata') {
      const families = yield* view.families();
      yield;
      return yield* listMetadata(families, { metric: request.metric, limit, bytesMax });
    }
    return yield* new Look(listOf(request, bytesMax), selectors).run(view);
  }

  #check({ client }: ListRequest): void {
    if (this.#isClosed) throw new RequestError('shutting_down', 'the gateway is shutting down; retry later');
    if (client?.isGone === true) throw new ClientGone();
  }
}

function listOf(request: Exclude<ListRequest, { what: 'metadata' }>, bytesMax: number): List {
  const { limit } = request;
  switch (request.what) {
    case 'series':
      return new SeriesList(limit, bytesMax);
    case 'labels':
      return new LabelNames(limit, bytesMax);
    case 'values':
      return valuesOf(request.label, limit, bytesMax);
  }
}

function matchOf(request: ListRequest): readonly string[] {
  return request.what === 'metadata' ? [] : request.match;
}

/** In steps, as regular expressions take long to compile. */
function* parsed(match: readonly string[]): Generator<void, readonly Selector[]> {
  checkMatchCount(match);
  const selectors: Selector[] = [];
  for (const text of match) {
    selectors.push(parseMatch(text, { repetitionMax: REPETITION_MAX }));
    yield;
  }
  return selectors;
}

function isOverload(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'overloaded';
}

function tooBusy(): RequestError {
  return new RequestError(
    'overloaded',
    'too many scrapes are in progress to look at the series in time; retry later, or raise --limit.scrapes',
  );
}
