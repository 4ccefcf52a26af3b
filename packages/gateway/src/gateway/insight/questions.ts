/** Answers questions about families and senders. */
import { inExpositionTurns } from '../../exposition/exposition-turns.ts';
import { ClientGone } from '../../model/client-gone.ts';
import { RequestError } from '../../model/errors.ts';
import { hasBuckets } from '../../model/metric-type.ts';
import { quote } from '../../primitives/quote.ts';
import type { ReadView } from '../../model/read-view.ts';
import { labelNameText } from '../../model/series-text.ts';
import type { State } from '../../state/state.ts';
import type { RulesInForce } from '../../rules/rules.ts';
import type { Selector } from '../../rules/selector.ts';
import type {
  ExplainRequest,
  FamiliesRequest,
  FamilyRequest,
  HistoryRequest,
  InsightAnswer,
  LimitsRequest,
  PageRequest,
  SourcesRequest,
} from '../insight-api.ts';
import { SeriesScan } from '../deletions/scan.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { parseSelectors } from '../listings/listings.ts';
import { Look } from '../listings/look.ts';
import type { Scrapes } from '../scrapes/scrapes.ts';
import { explain } from './explanation.ts';
import { familyEntry, listFamilies, rulesFor } from './family-list.ts';
import type { History } from './history.ts';
import { historyOf } from './history-answer.ts';
import type { HistoryAnswer } from './history-answer.ts';
import { MatchedNames } from './matched-names.ts';
import { metricsOfAll, metricsOfSources } from './pushed-metrics.ts';
import { listLimits } from './rule-limits.ts';
import { listRules } from './rule-list.ts';
import { pageOfFamily } from './family-page.ts';
import type { PushNotes } from './push-notes.ts';
import { sendersOf } from './senders.ts';
import { listSources } from './source-pages.ts';
import { inStillTurns } from './still-turns.ts';

/** For all of a look through a view, from when it waits for its place. */
const LOOK_MS = 60_000;
/** Words of a search. */
const PARTS_MAX = 16;
const SEARCH_CHARS_MAX = 1024;

interface QuestionDeps {
  readonly ledger: Ledger;
  readonly scrapes: Pick<Scrapes, 'read'>;
  readonly rules: Pick<RulesInForce, 'current'>;
  readonly notes: PushNotes;
  readonly history: History;
}

type Asker = Pick<PageRequest, 'client'>;

export class Questions {
  readonly #deps: QuestionDeps;
  #isClosed = false;

  constructor(deps: QuestionDeps) {
    this.#deps = deps;
  }

  async families(request: FamiliesRequest): Promise<InsightAnswer> {
    const { match, search } = request;
    const parts = partsOf(search);
    const labels = parts.filter(isOfLabel);
    const sets = [
      ...(match.length === 0 ? [] : [await this.#namesWith(match, request)]),
      ...(labels.length === 0 ? [] : [await this.#namesWith([selectorFor(labels)], request)]),
    ];
    const [first, second] = sets;
    const names = second === undefined ? first : new Set([...first!].filter((name) => second.has(name)));
    const asked = { ...request, names, parts: parts.filter((part) => !isOfLabel(part)) };
    return this.#look(listFamilies(this.#known(), asked), request);
  }

  async family(request: FamilyRequest): Promise<InsightAnswer> {
    const { name, match } = request;
    const { ledger, rules, notes } = this.#deps;
    const selectors = match.length === 0 ? undefined : await this.#selectors(match, request);
    const known = ledger.state.families.find(name);
    const head = {
      ...(known !== undefined && familyEntry(known, this.#known())),
      rules: rulesFor(name, rules.current),
      senders: sendersOf(notes.family(name), this.#wallOffsetMs),
    };
    return this.#view((view) => pageOfFamily(view, { ...request, selectors }, head), request);
  }

  sources(request: SourcesRequest): Promise<InsightAnswer> {
    const { ledger, notes } = this.#deps;
    const known = { state: ledger.state, notes, nowMs: ledger.nowMs(), wallOffsetMs: this.#wallOffsetMs };
    return this.#look(listSources(known, { ...request, parts: partsOf(request.search) }), request);
  }

  async explain(request: ExplainRequest): Promise<InsightAnswer> {
    const { ledger, notes } = this.#deps;
    const { limit, match } = request;
    const { state } = ledger;
    const selectors = await this.#selectors(match, request);
    while (ledger.applying !== undefined) await ledger.applying;
    // So that no number that is found is used again.
    state.readers.hold();
    try {
      const { found, hasMore } = await this.#look(findSeries(state, selectors, limit), request);
      const known = { state, notes, wallOffsetMs: this.#wallOffsetMs };
      return await this.#look(explain(known, found, { hasMore }), request);
    } finally {
      state.readers.letGo();
      ledger.recycle();
    }
  }

  pushedMetrics(client: Asker['client']): Promise<InsightAnswer> {
    const { ledger } = this.#deps;
    const asker = { client };
    if (ledger.state.aggregation.byJob) return this.#look(metricsOfSources(this.#known()), asker);
    const time = new Date(ledger.lastPushMs ?? ledger.wallMs()).toISOString();
    return this.#view((view) => metricsOfAll(view, time), asker);
  }

  rules(file: string | null, client: Asker['client']): Promise<InsightAnswer> {
    const { ledger, rules } = this.#deps;
    return this.#look(listRules(rules.current, ledger.state, file), { client });
  }

  limits({ rates, client }: LimitsRequest): Promise<InsightAnswer> {
    const { rules } = this.#deps;
    return this.#look(listLimits(this.#known(), rules.current, rates), { client });
  }

  async history(request: HistoryRequest): Promise<HistoryAnswer> {
    const { ledger, history } = this.#deps;
    const { families, accumulators } = ledger.state;
    const drawn = { step: history.newestStep, wallOffsetMs: this.#wallOffsetMs };
    if (request.series !== '') {
      const selectors = await this.#selectors([request.series], request);
      const { found } = await this.#look(findSeries(ledger.state, selectors, 1), request);
      const [accumulator] = found;
      const family = accumulator === undefined ? undefined : families.byId[accumulators.family[accumulator]!];
      if (accumulator === undefined || family === undefined)
        throw new RequestError('not_found', `no series matches ${quote(request.series)}`);
      const points = history.openSeries(accumulators.textOf(accumulator));
      return historyOf({ type: family.type, points, buckets: undefined, ...drawn });
    }
    const family = families.find(request.family);
    if (family === undefined)
      throw new RequestError('not_found', `there is no family ${quote(request.family)}`);
    const { name, type } = family;
    const buckets = hasBuckets(type) ? history.openBuckets(name) : undefined;
    return historyOf({ type, points: history.pointsOf(name), buckets, ...drawn });
  }

  /** What is under way stops at its next turn. */
  close(): void {
    this.#isClosed = true;
  }

  #known() {
    const { ledger, notes, history } = this.#deps;
    return { state: ledger.state, notes, history, wallOffsetMs: this.#wallOffsetMs };
  }

  /** What is to be added to the time of the ledger for that on the wall. */
  get #wallOffsetMs(): number {
    const { ledger } = this.#deps;
    return ledger.wallMs() - ledger.nowMs();
  }

  #look<T>(steps: Iterator<void, T>, asker: Asker): Promise<T> {
    return inStillTurns(this.#deps.ledger, steps, () => this.#check(asker));
  }

  #selectors(match: readonly string[], asker: Asker): Promise<readonly Selector[]> {
    return inExpositionTurns(parseSelectors(match), () => this.#check(asker));
  }

  /** Of samples. */
  async #namesWith(match: readonly string[], asker: Asker): Promise<ReadonlySet<string>> {
    const selectors = await this.#selectors(match, asker);
    const list = new MatchedNames();
    const look = new Look(list, selectors);
    await this.#view((view) => look.run(view), asker);
    return list.names;
  }

  /** Looks through a view, with a place among the scrapes. */
  #view<T>(steps: (view: ReadView) => Iterator<void, T>, asker: Asker): Promise<T> {
    const place = { network: 'insight', timeoutMs: LOOK_MS };
    return this.#deps.scrapes.read(place, (view, check) =>
      inExpositionTurns(steps(view), () => {
        check();
        this.#check(asker);
      }),
    );
  }

  #check({ client }: Asker): void {
    if (this.#isClosed) throw new RequestError('shutting_down', 'the gateway is shutting down; retry later');
    if (client.isGone) throw new ClientGone();
  }
}

/** The first series that match, by what names each. */
function* findSeries(
  state: State,
  selectors: readonly Selector[],
  limit: number,
): Generator<void, { readonly found: readonly number[]; readonly hasMore: boolean }> {
  const scan = new SeriesScan(state, selectors);
  const found: number[] = [];
  while (!scan.isDone && found.length <= limit) {
    scan.step();
    for (const accumulator of scan.take()) {
      found.push(accumulator);
      if (found.length > limit) break;
    }
    yield;
  }
  return { found: found.slice(0, limit), hasMore: found.length > limit };
}

/** The words of a search. Throws RequestError. */
function partsOf(search: string): readonly string[] {
  if (search.length > SEARCH_CHARS_MAX)
    throw new RequestError('invalid_parameter', `search is longer than ${SEARCH_CHARS_MAX} characters`);
  const parts = search.split(/\s+/).filter((part) => part !== '');
  if (parts.length <= PARTS_MAX) return parts;
  throw new RequestError(
    'invalid_parameter',
    `search has ${parts.length} words; the maximum is ${PARTS_MAX}`,
  );
}

function isOfLabel(part: string): boolean {
  return part.indexOf('=') > 0;
}

/** For series whose labels have these in their values. */
function selectorFor(parts: readonly string[]): string {
  const matchers = parts.map((part) => {
    const at = part.indexOf('=');
    const value = part.slice(at + 1).replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
    const pattern = value === '' ? '.+' : `.*${value}.*`;
    return `${labelNameText(part.slice(0, at))}=~${JSON.stringify(pattern)}`;
  });
  return `{${matchers.join(',')}}`;
}
