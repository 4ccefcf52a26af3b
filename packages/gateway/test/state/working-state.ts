/** A state with a reader of pushes in front of it, and all there is to know about it, for comparing. */
import type { Batch } from '../../src/store/batch.ts';
import { checkLimits } from '../../src/ingest/check-limits.ts';
import { freedBy } from '../../src/ingest/freed.ts';
import { checkLeaving } from '../../src/ingest/leaving.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { restoreState } from '../../src/snapshot/restore-state.ts';
import type { AggregationConfig, SenderMode } from '../../src/store/aggregation-config.ts';
import { initialExposition } from '../../src/store/exposition-config.ts';
import type { LastNamed } from '../../src/store/last-named.ts';
import type { Limits } from '../../src/store/limits.ts';
import { Ring } from '../../src/sources/source-list.ts';
import { State } from '../../src/state/state.ts';
import type { PushOrigin } from '../../src/state/state.ts';
import { usageOf } from '../../src/state/usage.ts';
import { verifyState } from '../../src/snapshot/verify.ts';
import { buffersForSnapshot, takeSnapshot } from '../../src/snapshot/take-snapshot.ts';
import { beginOpenMetrics } from '../../src/exposition/openmetrics/decode.ts';
import { beginProtobuf } from '../../src/exposition/protobuf/decode.ts';
import { decodeText } from '../../src/exposition/text/decode.ts';
import { defaultExpositionOptions } from '../../src/exposition/family-writer.ts';
import type { ExpositionOptions } from '../../src/exposition/family-writer.ts';
import { ScrapeCache } from '../../src/exposition/scrape-cache.ts';
import { encodeExposition } from '../../src/exposition/page.ts';
import { plainText } from '../../src/model/exposition-format.ts';
import type { ExpositionFormat } from '../../src/model/exposition-format.ts';
import type { ReadView } from '../../src/model/read-view.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { PushProblem } from '../../src/model/errors.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { isDistribution } from '../../src/model/metric-type.ts';
import { viewOf } from '../../src/read/view.ts';

/** After all start times that tests push, so that they count: what is new began no later than it came. */
const WALL_MS = 1.7e12;
/** States of more accumulators are not verified with each push, which costs the whole state. */
const VERIFIED_MAX = 500;

export interface PushedBy {
  readonly source?: string;
  readonly method?: 'PUT' | 'POST';
  readonly nowMs?: number;
  /** How it counts; as the state has it for others where it is left out. */
  readonly sender?: SenderMode;
  /** Read as OpenMetrics, so many bytes at a time; else as text. */
  readonly openMetricsSlice?: number;
}

export interface ExpositionWanted {
  readonly format?: ExpositionFormat;
  readonly options?: ExpositionOptions;
}

export class WorkingState {
  readonly state: State;
  /** Called with each batch, as the state is before it. */
  beforeApplying: (batch: Batch, origin: PushOrigin) => void = () => {};
  readonly #builder: PushBuilder;

  constructor(
    aggregation: Partial<AggregationConfig>,
    hashSeed: number,
    limits: Limits = defaultLimits,
    stepRows?: number,
  ) {
    this.state = new State(
      {
        byJob: false,
        counterResets: 'overwrite',
        summaries: 'sum-and-count',
        dropsWithdrawn: true,
        dropsStartTimes: true,
        ...aggregation,
      },
      limits,
      hashSeed,
      stepRows,
    );
    this.state.showing.restore({ ...initialExposition, nativeBucketsMax: limits.nativeBucketsMax });
    this.#builder = new PushBuilder(this.state);
  }

  /** Returns what became of the push: 'taken', or the code of its refusal. Bytes are protobuf. */
  push(pushed: string | Buffer, by?: PushedBy): string {
    return atOnce(this.pushInSteps(pushed, by));
  }

  /** The same, with what it changes applied in steps. */
  *pushInSteps(
    pushed: string | Buffer,
    { source = 'x', method = 'POST', nowMs = 1, sender, openMetricsSlice }: PushedBy = {},
  ): Generator<void, string> {
    const body = Buffer.from(pushed);
    try {
      this.#builder.begin(body, undefined, source, { ...(sender && { sender }) });
      if (typeof pushed === 'string' && openMetricsSlice === undefined) {
        decodeText(body, 0, body.length, this.#builder);
      } else {
        const isText = typeof pushed === 'string';
        const decoder = isText
          ? beginOpenMetrics(body, this.#builder, { strict: true })
          : beginProtobuf(body, this.#builder);
        while (!decoder.advance(openMetricsSlice ?? body.length));
      }
      const batch = this.#builder.finish();
      // Some sources push with a token.
      batch.owner = source === 'x' ? undefined : { token: source, job: source === 'a' ? '' : 'j' };
      const origin = { source, method, nowMs, wallMs: WALL_MS + nowMs + 0.5 };
      if (this.state.mayBeLate(batch) && (yield* this.state.isLateInSteps(batch, origin))) return 'late';
      if (batch.exceeds) checkLimits(this.state, batch, yield* freedBy(this.state, batch, origin));
      yield* checkLeaving(this.state, batch, origin);
      this.beforeApplying(batch, origin);
      yield* this.state.applyInSteps(batch, body, origin);
      if (this.state.accumulators.texts.high < VERIFIED_MAX) atOnce(verifyState(this.state));
      return 'taken';
    } catch (error) {
      if (error instanceof PushProblem) return error.code;
      throw error;
    }
  }

  /** The page of a view that was opened before, or of one of now; protobuf in Latin-1. */
  async page(
    view: ReadView = viewOf(this.state),
    { format = plainText, options = defaultExpositionOptions }: ExpositionWanted = {},
  ): Promise<string> {
    const slices: Buffer[] = [];
    for await (const slice of encodeExposition(view, format, {
      kept: new ScrapeCache(0),
      options,
      onLeftOut() {},
    }))
      slices.push(Buffer.from(slice));
    return Buffer.concat(slices).toString(format.format === 'protobuf' ? 'latin1' : 'utf8');
  }

  /** Everything that the page and the numbers of what comes later depend on. */
  facts(): object {
    const { accumulators, families, epoch } = this.state;
    const { ownerOf } = accumulators.owners.freeze();
    const { texts, composites } = accumulators;
    return {
      epoch,
      high: texts.high,
      size: texts.size,
      free: [...texts.freeEntries],
      pendingFree: [...accumulators.pendingFree],
      freeComposites: [...accumulators.freeComposites],
      spilled: [...accumulators.sums.spilled()].toSorted(([one], [other]) => one - other),
      accumulators: Array.from({ length: texts.high }, (_, accumulator) => this.#accumulator(accumulator)),
      owners: Array.from({ length: texts.high }, (_, accumulator) =>
        accumulators.kind[accumulator] === 0 ? undefined : ownerOf(accumulator),
      ),
      tokens: new Map(accumulators.owners.tokens),
      // Lists of groups that are gone stay for a while, for those who read.
      composites: composites.map(({ count, sum, buckets, native }) =>
        count < 0 || accumulators.kind[count] === 0
          ? undefined
          : {
              count,
              sum,
              buckets: [...buckets],
              native: native
                .filter((accumulator) => accumulators.kind[accumulator] !== 0)
                .toSorted((a, b) => a - b),
            },
      ),
      families: families.byId.map((family) => {
        if (family === undefined) return undefined;
        const { sorted, pending, createdEpoch: _, allStartTimes: __, mayExpire: ___, ...rest } = family;
        const grouped = isDistribution(family.type);
        const isLive = (row: number): boolean =>
          accumulators.kind[grouped ? composites[row]!.count : row] !== 0;
        const rows = [...sorted, ...pending].filter(isLive);
        return { ...rest, rows: rows.toSorted((a, b) => a - b) };
      }),
      lastNamed: this.#timesOf(this.state.accumulators.lastNamed),
      commonNamed: this.#timesOf(this.state.accumulators.common.named),
      windows: this.#windows(),
      freeIds: [...families.freeIds],
      sources: this.#sources(),
      order: this.state.sources.order,
      // What was learnt by use is not kept.
      usage: { ...usageOf(this.state), seriesCacheBytes: 0 },
      discarded: [families.discardedCount, families.discardedBytes],
    };
  }

  #timesOf(named: LastNamed | undefined): readonly number[] | undefined {
    const { high } = this.state.accumulators.texts;
    return named && Array.from({ length: high }, (_, accumulator) => named.timeMsOf(accumulator));
  }

  #windows(): readonly unknown[] | undefined {
    const { windows, texts } = this.state.accumulators;
    return windows && Array.from({ length: texts.high }, (_, accumulator) => windows.ringOf(accumulator));
  }

  #accumulator(accumulator: number): object | undefined {
    const { kind, family, composite, bound, contributors, startMs, sums, common } = this.state.accumulators;
    if (kind[accumulator] === 0) return undefined;
    return {
      text: this.state.accumulators.textOf(accumulator),
      kind: kind[accumulator],
      family: family[accumulator],
      composite: composite[accumulator],
      bound: bound[accumulator],
      contributors: contributors[accumulator],
      startMs: startMs[accumulator],
      createdEpoch: this.state.accumulators.createdEpoch[accumulator],
      sum: sums.get(accumulator),
      common:
        common.has(accumulator) &&
        (common.orderOf(accumulator) > 0
          ? [common.valueOf(accumulator), common.orderOf(accumulator)]
          : 'of the sum'),
      exemplar: this.state.accumulators.exemplars.get(accumulator),
    };
  }

  #sources(): object[] {
    const { list, contributions } = this.state.sources;
    const frozen = list.freeze();
    const sources = [Ring.LIVE, Ring.PRUNED].flatMap((ring) =>
      [...frozen.inOrder(ring)].map((source) => {
        contributions.open(source);
        const { length, values, valuesAt, accumulators, accumulatorsAt } = contributions;
        const { table, entry } = frozen.key(source);
        return {
          ring,
          key: table.textOf(entry),
          lastPushMs: frozen.lastPushMs(source),
          leftOut: [...this.state.sources.leftOut.timesOf(source)],
          accumulators: [...accumulators.subarray(accumulatorsAt, accumulatorsAt + length)],
          values: [...values.subarray(valuesAt, valuesAt + length)],
        };
      }),
    );
    list.thaw();
    return sources;
  }

  /** The state as it is, saved and read into another one. `meanwhile` is called after each part but the last. */
  async restored(hashSeed: number, meanwhile: (part: number) => void = () => {}): Promise<WorkingState> {
    const other = new WorkingState(this.state.aggregation, hashSeed);
    const parts = await partsOf(this.state, meanwhile);
    await restoreState(inTurn(parts), other.state);
    return other;
  }
}

export async function partsOf(
  state: State,
  meanwhile: (part: number) => void = () => {},
): Promise<Uint8Array[]> {
  // The one and the other, so that both are tested.
  const roomy = state.accumulators.size % 2 === 0;
  const snapshot = takeSnapshot(state, roomy ? await buffersForSnapshot(state) : undefined);
  const parts: Uint8Array[] = [];
  try {
    for await (const part of snapshot.parts) {
      meanwhile(parts.length);
      parts.push(part);
    }
  } finally {
    snapshot.close();
  }
  return parts;
}

export async function* inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* parts;
}
