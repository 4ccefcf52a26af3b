/**
 * Reads pushes and has the ledger count them. A push is decoded into a batch first, whole; then, with no other change in between, checked
 * against the state, kept and applied.
 *
 * A short body is read in one turn of the event loop. One that is long, or turns out to be dear, is read in steps, one body at a
 * time. Should the state change in a way that matters to it before it is done, it is read again; and when that has happened
 * too often, it insists (gateway/ledger/long-read.ts): whatever would change the state in such a way waits until it has been read. All else
 * goes on meanwhile, and so do scrapes.
 */
import { addFailureTime, lastFailure } from '../../ingest/push-times.ts';
import { PlacementMemo } from '../../ingest/rewrite/placement-memo.ts';
import { PathRules, senderOptionsOf } from '../../ingest/rewrite/push-rules.ts';
import type { PushRules } from '../../ingest/rewrite/push-rules.ts';
import type { Batch } from '../../store/batch.ts';
import type { Command, RemoveSource } from '../../wal/commands.ts';
import { ForwardedCommand } from '../../wal/forwarded-command.ts';
import type { ForwardedFrom } from '../../wal/forwarded-command.ts';
import { PushCommand } from '../../wal/push-command.ts';
import { checkLimits, checkSourceGrowth, nearsSourceLimit } from '../../ingest/check-limits.ts';
import { freedBy, idsOfLeaving } from '../../ingest/freed.ts';
import { checkLeaving } from '../../ingest/leaving.ts';
import { PushProblem, RequestError } from '../../model/errors.ts';
import type { GroupingKey } from '../../model/labels.ts';
import type { SeriesRights } from '../../rules/access.ts';
import { noRules } from '../../rules/rules.ts';
import type { RulesInForce } from '../../rules/rules.ts';
import { atOnce, inSteps, Turn } from '../../primitives/turns.ts';
import type { Client, PushRequest } from '../api.ts';
import { identityOf, identityOfLong } from './identity.ts';
import { isSettled } from './forwarded.ts';
import { located } from './located.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { GatewayOptions } from '../options.ts';
import { FixedSeries } from '../../ingest/rewrite/fixed-series.ts';
import { PushReader, pusherOf } from './push-reader.ts';
import { defaultQueueBounds, PushQueue } from './push-queue.ts';
import type { QueueBounds, QueuePlace } from './push-queue.ts';
import { BEHIND, LONG, REPLAYED, WAITS } from './push-terms.ts';
import type { Attempt, Counted, Keyed, NotCounted, NotNow, PushesSettings, Sent } from './push-terms.ts';
import { TurnShare } from './turn-share.ts';

/** Bodies up to here are read in one turn: about a millisecond where the series are known. */
const SHORT_BYTES = 128 * 1024;
/** Entries of a push that is gone through in one turn. */
const LOOKED_AT_MAX = 128;
/** Attempts at a long body before those who disturb it wait for it. */
const FREE_ATTEMPTS = 2;

/** Of one source: a flood of refused pushes is not to be a flood of records. */
const FAILURE_EVERY_MS = 1000;

const nothing = new Uint8Array(0);

export class Pushes<Counts extends object> {
  readonly #options: GatewayOptions;
  readonly #ledger: Ledger;
  readonly #counted: Counted<Counts>;
  readonly #insight: PushesSettings['insight'];
  readonly #rules: RulesInForce;
  readonly #pathRules: PathRules;
  readonly #reader: PushReader;
  readonly #longReader: PushReader;
  /** Of those that need one turn of the event loop, but cannot have this one. */
  readonly #short: PushQueue;
  readonly #bounds: QueueBounds;
  readonly #share: TurnShare = new TurnShare();
  readonly #long: PushQueue;
  /** Of those that need room in the journal, or would disturb a long one. */
  readonly #held: PushQueue;

  /** `counted` is called when a push has been applied, or is about to be in steps: then Ledger.applying is set. */
  constructor(
    options: GatewayOptions,
    ledger: Ledger,
    counted: Counted<Counts>,
    { bounds = defaultQueueBounds, rules = { current: noRules }, insight }: PushesSettings = {},
  ) {
    this.#options = options;
    this.#rules = rules;
    this.#ledger = ledger;
    this.#counted = counted;
    this.#insight = insight;
    this.#bounds = bounds;
    this.#pathRules = new PathRules(senderOptionsOf(options));
    const { state } = ledger;
    const known = { fixed: new FixedSeries(state), memo: new PlacementMemo(state.hashSeed) };
    this.#reader = new PushReader(options, ledger, known);
    this.#longReader = new PushReader(options, ledger, known);
    this.#short = new PushQueue(() => ledger.applying ?? this.#share.over, bounds);
    this.#long = new PushQueue(() => undefined, bounds);
    this.#held = new PushQueue(() => undefined, bounds);
  }

  /** Pushes and deletes that have not begun. */
  get waiting(): number {
    return this.#short.waiting + this.#long.waiting + this.#held.waiting;
  }

  /** Reads and counts a push in this turn, or says why it cannot: then `push` does it. Throws RequestError. */
  now(request: PushRequest): Counts | NotNow {
    if (request.body.length > SHORT_BYTES) return LONG;
    if (request.idempotencyKey !== undefined || !this.#short.isFree) return WAITS;
    const { forwarded } = request;
    const read = this.#pushNow(request, forwarded && { identity: undefined, ...this.#sent(request) });
    return read === REPLAYED || read === BEHIND ? WAITS : read;
  }

  /** Reads and counts a push. Rejects with RequestError or ClientGone, and then it has left no trace. */
  async push(request: PushRequest, why: NotNow): Promise<Counts | NotCounted> {
    const place = this.#placeOf(request.key.text, request.client);
    const { idempotencyKey } = request;
    const sent = this.#sent(request);
    if (why === LONG) return this.#long.run(place, () => this.#pushInSteps(request, sent));
    const identity = idempotencyKey === undefined ? undefined : identityOf({ ...request, idempotencyKey });
    const keyed = { identity, ...sent };
    for (;;) {
      const read = await this.#short.run(place, () => this.#pushNow(request, keyed));
      if (read === LONG) return this.#long.run(place, () => this.#pushInSteps(request, sent));
      if (read !== WAITS) return read;
      await this.#untilSpace(place);
    }
  }

  /**
   * Applies a command that is no push, when its turn has come. Rejects as `push` does, and with what `check` throws, which is called in the
   * same turn before it is applied.
   */
  async commit<Result>(
    command: Command<Result>,
    client: Client | undefined,
    check?: () => void,
  ): Promise<Result> {
    const place = this.#placeOf(command.onlySource ?? '', client);
    for (;;) {
      const committed = await this.#short.run(place, () => {
        check?.();
        return this.#ledger.commit(command);
      });
      if (committed !== undefined) return committed.result;
      await this.#untilSpace(place);
    }
  }

  /**
   * The same for a source that is deleted by way of another member: nothing is done where that was done before, or where the source has pushed
   * since.
   */
  async removeForwarded(
    command: RemoveSource,
    client: Client | undefined,
    from: ForwardedFrom,
  ): Promise<void> {
    const ledger = this.#ledger;
    const source = command.onlySource;
    const place = this.#placeOf(source, client);
    const wholeMs = ledger.nowMs() - from.heldMs;
    for (;;) {
      const isDone = await this.#short.run(place, async () => {
        if (isSettled(ledger.forwarded, from) || ledger.hasChangedSince(source, wholeMs)) return true;
        const committed = ledger.commit(new ForwardedCommand(command, from));
        await committed?.result;
        return committed !== undefined;
      });
      if (isDone) return;
      await this.#untilSpace(place);
    }
  }

  /** From here on time goes by, which ages are not to grow by. */
  #sent({ firstAttemptAgeMs, forwarded }: Pick<PushRequest, 'firstAttemptAgeMs' | 'forwarded'>): Sent {
    const nowMs = this.#ledger.nowMs();
    return {
      sinceMs: firstAttemptAgeMs === undefined ? undefined : nowMs - firstAttemptAgeMs,
      wholeMs: forwarded === undefined ? undefined : nowMs - forwarded.heldMs,
    };
  }

  /** Reads a push as `push` does, and goes through what it would do; it is not applied. The steps must not change anything, nor throw. */
  async look<T extends object>(
    request: PushRequest,
    look: (push: PushCommand) => Generator<void, T>,
  ): Promise<T> {
    const place = this.#placeOf(request.key.text, request.client);
    if (request.body.length <= SHORT_BYTES) {
      const looked = await this.#short.run(place, () => {
        this.#share.spend(request.body.length);
        const push = this.#readNow(request, undefined);
        if (push === LONG || push.batch.length > LOOKED_AT_MAX) return LONG;
        return atOnce(look(push));
      });
      if (looked !== LONG) return looked;
    }
    return this.#long.run(place, () => this.#lookInSteps(request, look));
  }

  async #lookInSteps<T>(request: PushRequest, look: (push: PushCommand) => Generator<void, T>): Promise<T> {
    const { state } = this.#ledger;
    const turn = new Turn();
    state.readers.hold();
    try {
      for (let attempt = 1; ; attempt += 1) {
        while (this.#ledger.applying !== undefined) await this.#ledger.applying;
        const rules = this.rulesFor(request.key, request.rights);
        const how = { rules, turn, insists: attempt % (FREE_ATTEMPTS + 1) === 0 };
        const looked = await this.#readInSteps(request, undefined, how, (push) => inSteps(look(push), turn));
        if (looked !== undefined) return looked;
      }
    } catch (error) {
      throw await inSteps(located(error, request.body, request.format), turn);
    } finally {
      state.readers.letGo();
      this.#ledger.recycle();
    }
  }

  /** Refuses clients that wait; resolves when no push is under way. One that is still being read ends when its client goes. */
  async close(): Promise<void> {
    await Promise.all([this.#short.close(), this.#long.close()]);
    await this.#held.close();
  }

  #placeOf(source: string, client: Client | undefined): QueuePlace {
    return { client, source, sinceMs: this.#bounds.now() };
  }

  #untilSpace(place: QueuePlace): Promise<void> {
    return this.#held.run(place, () => this.#ledger.waitForSpace());
  }

  #pushNow(request: PushRequest, keyed: Keyed | undefined): Counts | NotCounted | NotNow {
    this.#share.spend(request.body.length);
    if (this.#isReplay(request, keyed)) return REPLAYED;
    const wholeMs = keyed?.wholeMs;
    if (
      wholeMs !== undefined &&
      this.#isBehind(request.key, this.rulesFor(request.key, request.rights), wholeMs)
    )
      return BEHIND;
    const push = this.#readNow(request, keyed);
    if (push === LONG) return LONG;
    const { batch } = push;
    const seen = this.#insight?.isDue() === true ? this.#insight.see(batch, request) : undefined;
    if (!this.#ledger.push(push)) return WAITS;
    if (!push.isLate) request.allowance?.newLeft?.overdraw(batch.admitted);
    return this.#counted(push, request.key, seen);
  }

  /** Reads and checks a push in this turn, so that it may be applied. */
  #readNow(request: PushRequest, keyed: Keyed | undefined): PushCommand | typeof LONG {
    const { body, format = 'text' } = request;
    const { state } = this.#ledger;
    const rules = this.rulesFor(request.key, request.rights);
    this.#checkSource(request.key, rules);
    try {
      if (!this.#reader.now(request, rules)) return LONG;
      const batch = this.#reader.builder.finish();
      const push = this.#commandOf(batch, request, keyed);
      if (nearsSourceLimit(state, batch)) {
        if (state.sources.isLong(push.source, batch)) return LONG;
        checkSourceGrowth(state, atOnce(growthOf(state, push)));
      }
      if (batch.exceeds) {
        if (batch.mayFree > state.pace.rows || state.sources.isLong(push.source, batch)) return LONG;
        checkLimits(state, batch, atOnce(freedBy(state, batch, push)));
      }
      if (batch.leaving.length > 0) {
        // One step says it, or refuses the push, where there is little to look at.
        const isDone = checkLeaving(state, batch, push).next().done;
        if (isDone !== true) return LONG;
      }
      return push;
    } catch (error) {
      throw atOnce(located(error, body, format));
    }
  }

  /** To be called for one push at a time: it has the builder of long ones. */
  async #pushInSteps(request: PushRequest, sent: Sent): Promise<Counts | NotCounted> {
    const { state } = this.#ledger;
    const { body, format, idempotencyKey } = request;
    const turn = new Turn();
    const identity =
      idempotencyKey === undefined ? undefined : await identityOfLong({ ...request, idempotencyKey }, turn);
    const keyed = { identity, ...sent };
    let counts: Counts | NotCounted | undefined;
    // A push is read by one set of rules, however often it has to be read, unless the state goes by other ones meanwhile, or it counts otherwise.
    let { aggregation } = state;
    let rules = this.rulesFor(request.key, request.rights);
    // Numbers of freed accumulators must not be used again while the batch may hold them.
    state.readers.hold();
    try {
      // Where there was no room for a push that insisted, those who waited for it are to have their turn before it insists again.
      for (let attempt = 1; counts === undefined; attempt += 1) {
        while (this.#ledger.applying !== undefined) await this.#ledger.applying;
        if (state.aggregation !== aggregation || !this.#counts(request.key, rules)) {
          ({ aggregation } = state);
          rules = this.rulesFor(request.key, request.rights);
        }
        counts = await this.#attempt(request, keyed, {
          rules,
          turn,
          insists: attempt % (FREE_ATTEMPTS + 1) === 0,
        });
      }
      return counts;
    } catch (error) {
      throw await inSteps(located(error, body, format), turn);
    } finally {
      state.readers.letGo();
      // Nothing could be recycled while this push held what it refers to.
      if (counts !== undefined) this.#ledger.recycle();
    }
  }

  /** Undefined when the state has changed, or there was no room, which there may be now. */
  async #attempt(request: PushRequest, keyed: Keyed, how: Attempt): Promise<Counts | NotCounted | undefined> {
    if (this.#isReplay(request, keyed)) return REPLAYED;
    if (this.#isBehind(request.key, how.rules, keyed.wholeMs)) return BEHIND;
    const ledger = this.#ledger;
    const { turn, rules } = how;
    const mayCount = (): boolean =>
      this.#counts(request.key, rules) &&
      !this.#isForgotten(keyed) &&
      !this.#isBehind(request.key, rules, keyed.wholeMs);
    return this.#readInSteps(request, keyed, how, async (push) => {
      const { batch } = push;
      const brought = batch.admitted;
      const seen = this.#insight?.isDue() === true ? this.#insight.see(batch, request) : undefined;
      const { epoch } = this.#longReader.builder;
      if (!(await ledger.pushInSteps(push, { turn, epoch, mayCount }))) return undefined;
      if (!push.isLate) request.allowance?.newLeft?.overdraw(brought);
      return this.#counted(push, request.key, seen);
    });
  }

  /** Reads a push until it may be applied, and has `use` do that. Undefined when the state has changed, or `use` is. */
  async #readInSteps<T>(
    request: PushRequest,
    keyed: Keyed | undefined,
    how: Attempt,
    use: (push: PushCommand) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const ledger = this.#ledger;
    const reader = this.#longReader;
    const { builder } = reader;
    const { turn, insists } = how;
    const read = ledger.beginLongRead(builder);
    if (insists) read.insist();
    try {
      if (!(await reader.inSteps(request, how))) return undefined;
      read.holdStill();
      // Others may have begun to change the state in this very turn.
      while (this.#ledger.applying !== undefined) await this.#ledger.applying;
      // From here on the state stays as it was when the last line was read.
      if (!(await inSteps(builder.isCurrentInSteps(), turn))) return undefined;
      if (!reader.isUnchanged()) return undefined;
      this.#checkSource(request.key, how.rules);
      await inSteps(builder.finishInSteps(), turn);
      // What sources have is in the hands of whoever changes it.
      while (ledger.applying !== undefined) await ledger.applying;
      // Where it has been read anew for others too often, it may go beyond a limit by what they bring.
      if (!insists && !builder.admission.isAsBefore) return undefined;
      const { batch } = builder;
      const push = this.#commandOf(batch, request, keyed);
      const { state } = ledger;
      if (nearsSourceLimit(state, batch)) checkSourceGrowth(state, await ledger.look(growthOf(state, push)));
      if (batch.exceeds) checkLimits(state, batch, await ledger.look(freedBy(state, batch, push)));
      if (batch.leaving.length > 0) await inSteps(checkLeaving(state, batch, push), turn);
      const used = await use(push);
      if (used !== undefined) return used;
    } finally {
      ledger.endLongRead();
      reader.letGo();
    }
    await ledger.waitForSpace();
    return undefined;
  }

  #checkSource(key: GroupingKey, { sender }: PushRules): void {
    if (!sender.byJob) return;
    requireJob(key);
    if (this.#ledger.state.isFullFor(key.text)) {
      throw new RequestError(
        'sources_limit',
        `the gateway has ${this.#options.limits.sourcesMax} sources, the maximum (--limit.sources); set --job-forget-duration, or forget_after in a rule for senders, to forget silent sources`,
      );
    }
  }

  /** Those in force. */
  rulesFor(key: GroupingKey, rights?: SeriesRights): PushRules {
    return this.#pathRules.for(this.#rules.current, key, rights);
  }

  /** Whether a push that was read by these rules counts as the rules in force say. */
  #counts(key: GroupingKey, { sender }: PushRules): boolean {
    const now = this.rulesFor(key).sender;
    return now.byJob === sender.byJob && now.counterResets === sender.counterResets;
  }

  /** Whether another member held a push for so long that its source has pushed since. */
  #isBehind(key: GroupingKey, { sender }: PushRules, wholeMs: number | undefined): boolean {
    return wholeMs !== undefined && sender.byJob && this.#ledger.hasChangedSince(key.text, wholeMs);
  }

  /** Throws RequestError where nobody can say. */
  #isReplay({ forwarded }: PushRequest, keyed: Keyed | undefined): boolean {
    if (forwarded !== undefined && isSettled(this.#ledger.forwarded, forwarded)) return true;
    if (keyed?.identity === undefined) return false;
    switch (this.#ledger.keys.look(keyed.identity, this.#ledger.nowMs())) {
      case 'unknown':
        if (!this.#isForgotten(keyed)) return false;
        throw new RequestError(
          'idempotency_key_forgotten',
          'the first attempt of this push is older than the Idempotency-Keys that are remembered, so it may have been counted already; it is not counted now. Do not retry it',
        );
      case 'same':
        return true;
      case 'another':
        throw new RequestError(
          'idempotency_key_reused',
          'this Idempotency-Key was already used for a different push; use a new key for each push, and reuse it only for retries',
        );
    }
  }

  /** Of a key that is unknown, whether it may have been known since the first attempt. */
  #isForgotten(keyed: Keyed | undefined): boolean {
    if (keyed?.identity === undefined || keyed.sinceMs === undefined) return false;
    return this.#ledger.keys.mayBeForgotten(keyed.identity, keyed.sinceMs, this.#ledger.nowMs());
  }

  /** A sender that adds has no source. */
  #commandOf(
    batch: Batch,
    { key, method, body, forwarded }: PushRequest,
    keyed: Keyed | undefined,
  ): PushCommand {
    const source = batch.sender.byJob ? key.text : '';
    const from = forwarded && { key: forwarded.key, heldMs: this.#heldMs(keyed?.wholeMs) };
    return new PushCommand(batch, body, { source, method, identity: keyed?.identity, forwarded: from });
  }

  /** With what it waited here for its turn. */
  #heldMs(wholeMs: number | undefined): number {
    return wholeMs === undefined ? 0 : Math.max(Math.ceil(this.#ledger.nowMs() - wholeMs), 0);
  }

  /** Notes in the state that a push of a known source was refused. Waits for nobody: where it cannot be now, it is left out. */
  noteFailure(request: PushRequest): void {
    const { key, rights, allowance } = request;
    const ledger = this.#ledger;
    const { state } = ledger;
    const rules = this.rulesFor(key, rights);
    if (!this.#reader.showsPushTimes(rules) || !state.sources.has(key.text)) return;
    if (ledger.applying !== undefined || !this.#short.isIdle) return;
    const path = rules.added;
    const nowMs = ledger.wallMs();
    if (nowMs - lastFailure(state, path) * 1000 < FAILURE_EVERY_MS) return;
    const { builder } = this.#reader;
    builder.begin(nothing, path, key.text, { sender: rules.sender, pusher: pusherOf(request, rules) });
    builder.admission.isOwn = true;
    try {
      addFailureTime(builder, state, nowMs);
      const batch = builder.finish();
      if (batch.exceeds || batch.length === 0) return;
      ledger.push(new PushCommand(batch, nothing, { source: key.text, method: 'POST' }));
      allowance?.newLeft?.overdraw(batch.admitted);
    } catch (error) {
      // There is no room for another series.
      if (!(error instanceof PushProblem)) throw error;
    }
  }
}

/** See Sources.foresee. */
function* growthOf(
  { sources }: Ledger['state'],
  { batch, source, method }: PushCommand,
): Generator<void, number> {
  const push = { put: method === 'PUT', leaving: idsOfLeaving(batch) };
  const { growth } = yield* sources.foresee(source, batch, push);
  return growth;
}

export function requireJob(key: GroupingKey): void {
  if (key.job !== undefined) return;
  throw new RequestError(
    'job_missing',
    'by-job mode requires a job in the path; add job/<name>, as in /metrics/job/backup',
  );
}
