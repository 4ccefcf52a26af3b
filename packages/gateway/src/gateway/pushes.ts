/**
 * Reads pushes and has the ledger count them. A push is decoded into a batch first, whole; then, with no other change in between, checked
 * against the state, kept and applied.
 *
 * A short body is read in one turn of the event loop. One that is long, or turns out to be dear, is read in steps, one body at a
 * time. Should the state change in a way that matters to it before it is done, it is read again; and when that has happened
 * too often, whatever would change the state in such a way waits until it has been read. What only adds to what is known
 * goes on meanwhile, and so do scrapes.
 */
import { PushBuilder } from '../aggregate/push-builder.ts';
import type { Batch } from '../aggregate/batch.ts';
import { checkSource } from '../aggregate/check-limits.ts';
import { RequestError } from '../model/errors.ts';
import type { GroupingKey, Label } from '../model/labels.ts';
import { atOnce } from '../primitives/turns.ts';
import type { PushRequest } from './api.ts';
import { decodersFor } from './decoders.ts';
import type { Decoders } from './decoders.ts';
import { identityOf, identityOfLong } from './identity.ts';
import { located } from './located.ts';
import type { Ledger, PushRecord } from './ledger.ts';
import type { GatewayOptions } from './options.ts';
import { inSteps, pauses } from './pauses.ts';
import type { Pause } from './pauses.ts';

/** Bodies up to here are read in one turn: about a millisecond where the series are known. */
const SHORT_BYTES = 128 * 1024;
/** Read between two looks at the clock, or at how dear the body is. */
const STEP_BYTES = 8 * 1024;
/** A short body that brings more than this (series, families, spellings) takes the way of long ones: some milliseconds. */
const SHORT_NEWS_MAX = 2048;
/** Reading so much that is new takes as long as a step where all is known. */
const UNIT_NEWS = 64;
/** Attempts at a long body before others wait for it. */
const FREE_ATTEMPTS = 2;

/** It was there already, under its idempotency key. */
export const REPLAYED = 'replayed';

/** Why a push is not read in this turn: it is too long or too dear for it, or it must wait for others or for room. */
const LONG = 'long';
const WAITS = 'waits';
type NotNow = typeof LONG | typeof WAITS;

/** See IdempotencyKeys. */
type Identity = Uint8Array | undefined;

export class Pushes<Counts extends object> {
  readonly #options: GatewayOptions;
  readonly #decoders: Decoders;
  readonly #ledger: Ledger;
  readonly #counted: (batch: Batch, key: GroupingKey) => Counts;
  readonly #builder: PushBuilder;
  readonly #longBuilder: PushBuilder;
  #longPush: Promise<unknown> = Promise.resolve();

  /** `counted` is called when a batch has been applied. */
  constructor(options: GatewayOptions, ledger: Ledger, counted: (batch: Batch, key: GroupingKey) => Counts) {
    this.#options = options;
    this.#decoders = decodersFor(options);
    this.#ledger = ledger;
    this.#counted = counted;
    this.#builder = new PushBuilder(ledger.state, () => ledger.wallMs());
    this.#longBuilder = new PushBuilder(ledger.state, () => ledger.wallMs());
  }

  /** Reads and counts a push in this turn, or says why it cannot: then `push` does it. Throws RequestError. */
  now(request: PushRequest): Counts | NotNow {
    if (request.body.length > SHORT_BYTES) return LONG;
    if (request.idempotencyKey !== undefined || this.#ledger.applying !== undefined) return WAITS;
    const read = this.#pushNow(request, undefined);
    return read === REPLAYED ? WAITS : read;
  }

  /** Reads and counts a push. Rejects with RequestError, and then it has left no trace. */
  async push(request: PushRequest, why: NotNow): Promise<Counts | typeof REPLAYED> {
    if (why === LONG) return this.#inTurn(() => this.#pushInSteps(request));
    const { idempotencyKey } = request;
    const identity = idempotencyKey === undefined ? undefined : identityOf({ ...request, idempotencyKey });
    const ledger = this.#ledger;
    for (;;) {
      while (ledger.applying !== undefined) await ledger.applying;
      const read = this.#pushNow(request, identity);
      if (read === LONG) return this.#inTurn(() => this.#pushInSteps(request));
      if (read !== WAITS) return read;
      await ledger.makeRoom();
    }
  }

  /** Resolves when no long push is under way. */
  async settled(): Promise<void> {
    await this.#longPush.catch(() => {});
  }

  #pushNow(request: PushRequest, identity: Identity): Counts | typeof REPLAYED | NotNow {
    const { body, format = 'text' } = request;
    if (this.#isReplay(identity)) return REPLAYED;
    this.#checkSource(request.key);
    const builder = this.#builder;
    try {
      builder.begin(body, this.#pathLabels(request.key));
      const decoder = this.#decoders[format](body, builder);
      while (!decoder.advance(STEP_BYTES)) if (builder.news > SHORT_NEWS_MAX) return LONG;
      const batch = builder.finish();
      const record = recordOf(request, identity);
      checkSource(this.#ledger.state, batch, record);
      if (!this.#ledger.push(batch, body, record)) return WAITS;
      return this.#counted(batch, request.key);
    } catch (error) {
      throw atOnce(located(error, body, format));
    }
  }

  /** To be called for one push at a time. */
  async #pushInSteps(request: PushRequest): Promise<Counts | typeof REPLAYED> {
    const { state } = this.#ledger;
    const { body, format, idempotencyKey } = request;
    const pause = pauses();
    const identity =
      idempotencyKey === undefined ? undefined : await identityOfLong({ ...request, idempotencyKey }, pause);
    let counts: Counts | typeof REPLAYED | undefined;
    // Numbers of freed cells must not be used again while the batch may hold them.
    state.hold();
    try {
      for (let attempt = 1; counts === undefined; attempt += 1) {
        while (this.#ledger.applying !== undefined) await this.#ledger.applying;
        counts = await this.#attempt(request, identity, { pause, isFree: attempt <= FREE_ATTEMPTS });
      }
      return counts;
    } catch (error) {
      throw await inSteps(located(error, body, format), pause);
    } finally {
      state.letGo();
      // Nothing could be recycled while this push held what it refers to.
      if (counts !== undefined) this.#ledger.recycle();
    }
  }

  /** Undefined when the state has changed, or there was no room, which there may be now. */
  async #attempt(
    request: PushRequest,
    identity: Identity,
    { pause, isFree }: { readonly pause: Pause; readonly isFree: boolean },
  ): Promise<Counts | typeof REPLAYED | undefined> {
    const ledger = this.#ledger;
    const builder = this.#longBuilder;
    const { body } = request;
    if (this.#isReplay(identity)) return REPLAYED;
    let letGo = isFree ? undefined : ledger.holdStill(builder.batch);
    try {
      if (!(await this.#readInSteps(request, pause))) return undefined;
      letGo ??= ledger.holdStill(builder.batch);
      // From here on the state stays as it was when the last line was read.
      if (!(await inSteps(builder.isCurrentInSteps(), pause))) return undefined;
      if (this.#isReplay(identity)) return REPLAYED;
      this.#checkSource(request.key);
      await inSteps(builder.finishInSteps(), pause);
      // What sources have is in the hands of whoever changes it.
      while (ledger.applying !== undefined) await ledger.applying;
      if (!builder.isUnchanged()) return undefined;
      const { batch } = builder;
      const record = recordOf(request, identity);
      checkSource(ledger.state, batch, record);
      if (await ledger.pushInSteps(batch, body, record, pause)) return this.#counted(batch, request.key);
    } finally {
      letGo?.();
    }
    await ledger.makeRoom();
    return undefined;
  }

  /** False as soon as the state has changed. */
  async #readInSteps({ key, body, format = 'text' }: PushRequest, pause: Pause): Promise<boolean> {
    const builder = this.#longBuilder;
    builder.begin(body, this.#pathLabels(key));
    const decoder = this.#decoders[format](body, builder);
    let before = 0;
    while (builder.isUnchanged()) {
      if (decoder.advance(STEP_BYTES)) return true;
      const { news } = builder;
      const turn = pause(1 + (news - before) / UNIT_NEWS);
      before = news;
      if (turn !== undefined) await turn;
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
    }
    return false;
  }

  #checkSource(key: GroupingKey): void {
    if (!this.#options.byJob) return;
    requireJob(key);
    if (this.#ledger.state.isFullFor(key.text)) {
      throw new RequestError(
        'sources_limit',
        `the gateway remembers ${this.#options.limits.sourcesMax} sources and cannot take another (--limit.sources); set --job-forget-duration to let silent ones go`,
      );
    }
  }

  #isReplay(identity: Identity): boolean {
    if (identity === undefined) return false;
    switch (this.#ledger.keys.look(identity, this.#ledger.nowMs())) {
      case 'unknown':
        return false;
      case 'same':
        return true;
      case 'another':
        throw new RequestError(
          'idempotency_key_reused',
          'a push with another body came with this Idempotency-Key before; use a new key for each push, and the same one only to send it again',
        );
    }
  }

  #pathLabels(key: GroupingKey): readonly Label[] {
    return this.#options.pathLabels === 'add' ? key.labels : [];
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#longPush.then(work, work);
    this.#longPush = turn.catch(() => {});
    return turn;
  }
}

function recordOf({ key, method }: PushRequest, identity: Identity): PushRecord {
  return { source: key.text, method, identity };
}

export function requireJob(key: GroupingKey): void {
  if (key.job !== undefined) return;
  throw new RequestError(
    'job_missing',
    'this gateway runs in by-job mode and needs to know who pushes; add job/<name> to the path, as in /metrics/job/backup',
  );
}
