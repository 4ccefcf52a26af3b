/** Says what a push would do, all errors and not only the first; see would-be.ts. */
import { PlacementMemo } from '../../ingest/rewrite/placement-memo.ts';
import type { Trace } from '../../ingest/rewrite/place-series.ts';
import { RewriteSink } from '../../ingest/rewrite/rewrite-sink.ts';
import { PushProblem, RequestError } from '../../model/errors.ts';
import { LF } from '../../primitives/bytes.ts';
import { shorten } from '../../primitives/quote.ts';
import { Turn } from '../../primitives/turns.ts';
import type { PushRequest } from '../api.ts';
import type { Validated, ValidatedError } from '../insight-api.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { GatewayOptions } from '../options.ts';
import { decodersFor } from './decoders.ts';
import { countsIn, outcomeOf } from './outcome.ts';
import type { Pushes } from './pushes.ts';
import { wouldBe } from './would-be.ts';

/** All errors are looked for, and rules said, in bodies up to here; of longer ones it is the first error. */
const SHORT_BYTES = 128 * 1024;
const ERRORS_MAX = 20;
const TRACES_MAX = 8192;
/** Each line is held against all rules. */
const STEP_BYTES = 256;
const STEP_UNITS = 4;
/** Series that rules drop, and what they did to one, as far as that is shown. */
const DROPPED_MAX = 100;

interface Read extends Omit<Validated, 'dropped' | 'errors' | 'mode'> {
  readonly texts: readonly string[];
}

export class Validation {
  readonly #options: GatewayOptions;
  readonly #ledger: Ledger;
  readonly #pushes: Pick<Pushes<object>, 'look' | 'rulesFor'>;

  constructor(options: GatewayOptions, ledger: Ledger, pushes: Pick<Pushes<object>, 'look' | 'rulesFor'>) {
    this.#options = options;
    this.#ledger = ledger;
    this.#pushes = pushes;
  }

  async run(request: PushRequest): Promise<Validated> {
    const errors: ValidatedError[] = [];
    /** Lines that were left out, as they count in what is left. */
    const leftOut: number[] = [];
    let { body } = request;
    let read: Read | undefined;
    while (read === undefined && errors.length < ERRORS_MAX) {
      try {
        read = await this.#read({
          ...request,
          body,
          idempotencyKey: undefined,
          firstAttemptAgeMs: undefined,
        });
      } catch (error) {
        if (!(error instanceof RequestError) || error.status >= 500) throw error;
        const { code, message, location, excerpt } = error;
        const line = location === undefined ? undefined : lineBefore(location.line, leftOut);
        errors.push({
          code,
          message,
          line: line ?? null,
          column: location?.column ?? null,
          excerpt: excerpt?.text ?? null,
          excerptColumn: excerpt?.column ?? null,
        });
        const rest =
          location === undefined || body.length > SHORT_BYTES ? undefined : withoutLine(body, location.line);
        if (rest === undefined || request.format === 'protobuf') break;
        leftOut.push(location!.line);
        body = rest;
      }
    }
    return await this.#answer(request, read, errors);
  }

  #read(request: PushRequest): Promise<Read> {
    const { state } = this.#ledger;
    return this.#pushes.look(request, function* (push): Generator<void, Read> {
      const counts = countsIn(push.batch);
      const { series, texts, truncated, isLate } = yield* wouldBe(state, push);
      const { samples, ...ignored } = counts;
      const shown = series.map((each) => ({ ...each, rules: [] }));
      return { wouldBe: outcomeOf(counts, isLate), samples, series: shown, texts, ignored, truncated };
    });
  }

  async #answer(
    request: PushRequest,
    read: Read | undefined,
    errors: readonly ValidatedError[],
  ): Promise<Validated> {
    const mode = this.#pushes.rulesFor(request.key, request.rights).sender.byJob ? 'by-job' : 'add';
    if (read === undefined || errors.length > 0) {
      const nothing = { samples: 0, series: [], dropped: [], ignored: {} };
      return {
        wouldBe: 'refused',
        mode,
        ...nothing,
        errors,
        truncated: errors.length === ERRORS_MAX || request.body.length > SHORT_BYTES,
      };
    }
    const traces = request.body.length > SHORT_BYTES ? [] : await this.#traces(request);
    const steps = new Map<string, readonly string[]>();
    for (const trace of traces) if (trace.becomes !== undefined) steps.set(trace.becomes, stepsOf(trace));
    const dropped = traces
      .filter(({ becomes }) => becomes === undefined)
      .map((trace) => ({ series: shorten(trace.pushed), rules: trace.steps }));
    const { texts, series, truncated, ...rest } = read;
    return {
      ...rest,
      mode,
      series: series.map((each, i) => ({ ...each, rules: steps.get(texts[i]!) ?? [] })),
      dropped: dropped.slice(0, DROPPED_MAX),
      errors,
      truncated: truncated || dropped.length > DROPPED_MAX,
    };
  }

  /** What rules make of each series; none where there are no rules. */
  async #traces({ key, rights, body, format = 'text' }: PushRequest): Promise<readonly Trace[]> {
    const rules = this.#pushes.rulesFor(key, rights);
    if (rules.relabel.length === 0 && rules.metrics.length === 0 && rules.allowed === undefined) return [];
    const { state } = this.#ledger;
    const sink = new RewriteSink(state, new PlacementMemo(state.hashSeed));
    const all: Trace[] = [];
    try {
      sink.begin(body, rules, (trace) => all.push(trace));
      const decoder = decodersFor(this.#options)[format](body, sink);
      const turn = new Turn();
      while (!decoder.advance(STEP_BYTES) && all.length < TRACES_MAX) {
        const next = turn.over(STEP_UNITS);
        if (next !== undefined) await next;
        while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      }
    } catch (error) {
      // Rules may have changed meanwhile.
      if (!(error instanceof PushProblem)) throw error;
    } finally {
      sink.clear();
    }
    return all;
  }
}

function stepsOf({ pushed, becomes, steps }: Trace): readonly string[] {
  return becomes === pushed ? steps : [`pushed as ${shorten(pushed)}`, ...steps];
}

/** The line of the whole body. */
function lineBefore(line: number, leftOut: readonly number[]): number {
  let before = line;
  for (const left of leftOut.toReversed()) if (left <= before) before += 1;
  return before;
}

/** Where a line begins, and where the next does. */
function boundsOf(body: Uint8Array, line: number): readonly [start: number, end: number] | undefined {
  let start = 0;
  for (let at = 1; at < line; at += 1) {
    const end = body.indexOf(LF, start);
    if (end < 0) return undefined;
    start = end + 1;
  }
  const end = body.indexOf(LF, start);
  return [start, end < 0 ? body.length : end + 1];
}

function withoutLine(body: Uint8Array, line: number): Uint8Array | undefined {
  const bounds = boundsOf(body, line);
  if (bounds === undefined || bounds[0] === bounds[1]) return undefined;
  return Buffer.concat([body.subarray(0, bounds[0]), body.subarray(bounds[1])]);
}
