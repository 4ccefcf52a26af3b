/**
 * The log on NATS JetStream: a block is a message of one stream, and its number is the message's sequence number there. A message is taken only
 * if the last one has the number that was expected, which is the compare-and-set. `Nats-Msg-Id` is never set: what a server takes for a duplicate it
 * acknowledges, without storing it.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { StorageProblem } from '../../../journal/journal.ts';
import { LogBroken, LogTrimmed, LogUnavailable } from '../../log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../../log/shared-log.ts';
import { connectTo, isUnderstood, isWrongSequence } from './connection.ts';
import type { Connection } from './connection.ts';
import { follow } from './follow.ts';
import { Snapshots } from './snapshots.ts';
import * as streams from './streams.ts';
import { parseNatsUrl } from './url.ts';
import type { NatsTarget } from './url.ts';

export interface NatsLogOptions {
  /** For servers to be there and to have elected; then opening rejects. */
  readonly openTimeoutMs?: number;
  /** For an answer; past it the outcome is unknown. */
  readonly requestTimeoutMs?: number;
}

const defaults: Required<NatsLogOptions> = { openTimeoutMs: 30_000, requestTimeoutMs: 3_000 };
const OPEN_RETRY_MS = 500;
/** NATS' default for a message is 1 MiB, with its headers. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** Of blocks much smaller than others write there would be too many. */
const MESSAGE_BYTES_MIN = 128 * 1000;
const HEADER_BYTES_MAX = 4 * 1024;
/** For a server that was deposed, and does not know it yet, to hear of it: until then it may say that the log is shorter than it is. */
const DEPOSED_MS = 1_500;
const STANDING_RETRY_MS = 100;
/** A server that has lost its majority stops answering within ten seconds; what says for longer that the log is short is right. */
const SHORT_MS = 12_000;
const versionNeeded: readonly [major: number, minor: number] = [2, 10];

/**
 * Opens the log, with the streams that are missing. Rejects with StorageProblem, for the operator, when it cannot keep what it is given, and with LogUnavailable when
 * it cannot be reached in time. `warnings` are sentences about what is risky.
 */
export async function openNatsLog(
  url: string,
  options: NatsLogOptions = {},
): Promise<SharedLog & { readonly warnings: readonly string[] }> {
  const { openTimeoutMs, requestTimeoutMs } = { ...defaults, ...options };
  const end = performance.now() + openTimeoutMs;
  const target = await parseNatsUrl(url);
  const sync = await unlessLate(end, () => streams.checkSync(target));
  const connection = await connectTo(target, Math.max(end - performance.now(), 1), requestTimeoutMs);
  try {
    checkServer(connection, target);
    const [blocks] = await unlessLate(end, () =>
      Promise.all([
        streams.ensureStream(connection, streams.blocksSettings(target)),
        streams.ensureStream(connection, streams.snapshotsSettings(target)),
        streams.ensureStream(connection, streams.membersSettings(target)),
      ]),
    );
    const serverName = connection.nc.info?.server_name ?? '';
    const warnings = [...sync.warnings, ...streams.placementWarnings(target, blocks, serverName, sync)];
    return new NatsLog(connection, target, blocks.created, warnings);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Asks again while it is unavailable. */
async function unlessLate<T>(end: number, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof LogUnavailable) || performance.now() + OPEN_RETRY_MS > end) throw error;
      await sleep(OPEN_RETRY_MS);
    }
  }
}

function checkServer({ nc }: Connection, target: NatsTarget): void {
  const { version = '', max_payload: payloadMax = MESSAGE_BYTES_MAX } = nc.info ?? {};
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorNeeded, minorNeeded] = versionNeeded;
  const isNew = major > majorNeeded || (major === majorNeeded && minor >= minorNeeded);
  const found = isNew
    ? payloadMax < MESSAGE_BYTES_MIN &&
      `has a max_payload of ${payloadMax}; set it to 1MB, and no less than 128KB`
    : `is of version ${version}; use ${versionNeeded.join('.')} or newer`;
  if (found !== false) throw new StorageProblem('unusable', `NATS at ${target.shown} ${found}`);
}

class NatsLog implements SharedLog {
  readonly blockBytesMax: number;
  readonly members: MemberList;
  readonly warnings: readonly string[];
  readonly #connection: Connection;
  readonly #settings: ReturnType<typeof streams.blocksSettings>;
  readonly #stream: string;
  readonly #subject: string;
  /** When the stream was made: another of the same name is another log. */
  readonly #created: string;
  readonly #snapshots: Snapshots;
  readonly #whenClosed = new Set<() => void>();
  #isClosed = false;
  /** The last block that is known to have been committed. */
  #seen = 0;
  /** From when to when the log was said to end before it. */
  #short: { readonly since: number; readonly last: number } | undefined;
  #isLooking = false;
  #broken: LogBroken | undefined;

  constructor(connection: Connection, target: NatsTarget, created: string, warnings: readonly string[]) {
    const names = streams.namesOf(target);
    const messageBytesMax = Math.min(connection.nc.info?.max_payload ?? MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX);
    this.blockBytesMax = messageBytesMax - HEADER_BYTES_MAX;
    this.warnings = warnings;
    this.#connection = connection;
    this.#settings = streams.blocksSettings(target);
    this.#stream = names.blocks;
    [this.#subject] = this.#settings.subjects as [string];
    this.#created = created;
    this.#snapshots = new Snapshots(connection, names.snapshots, this.blockBytesMax);
    this.members = memberList(connection, names.members);
  }

  async append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    if (block.length > this.blockBytesMax) {
      throw new RangeError(`a block of ${block.length} bytes; the maximum is ${this.blockBytesMax}`);
    }
    if (this.#broken !== undefined) throw this.#broken;
    const what = `appending block ${after + 1}`;
    const begun = performance.now();
    for (;;) {
      const leftMs = begun + this.#connection.requestTimeoutMs - performance.now();
      try {
        await this.#publish(what, after, block, Math.max(leftMs, 1));
        this.#seen = Math.max(this.#seen, after + 1);
        return 'appended';
      } catch (error) {
        if (!isWrongSequence(error)) throw this.#refused(what, error);
        const last = await this.end();
        if (last > after) return 'overtaken';
        const isPastEnd = last < after && after > this.#seen;
        if (isPastEnd && performance.now() - begun > DEPOSED_MS) return 'overtaken';
        // Somebody's block stands there that is not yet committed, and may never be; or who answers is not up to date.
        if (leftMs < STANDING_RETRY_MS) throw this.#connection.unavailable(what, error);
      }
      await sleep(STANDING_RETRY_MS);
    }
  }

  /** Nobody answers for a stream that was deleted either, and one that was changed refuses. What is found out the next append says. */
  #refused(what: string, error: unknown): unknown {
    const refused = streams.unavailableBy(this.#connection, what, error);
    if (!this.#isLooking && refused instanceof LogUnavailable && isUnderstood(refused.cause)) {
      this.#isLooking = true;
      this.#state()
        .catch((reason: unknown) => {
          if (reason instanceof LogBroken) this.#broken = reason;
        })
        .finally(() => (this.#isLooking = false));
    }
    return refused;
  }

  async #publish(what: string, after: number, block: Uint8Array, withinMs: number): Promise<void> {
    const expect = { lastSequence: after, streamName: this.#stream };
    const { js } = this.#connection;
    const ack = await this.#connection.ask(
      what,
      (timeout) => js.publish(this.#subject, block, { expect, timeout }),
      { withinMs },
    );
    if (ack.seq !== after + 1 || ack.duplicate) {
      throw new LogBroken(`NATS: block ${after + 1} was acknowledged as ${ack.seq} of stream ${ack.stream}`);
    }
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock> {
    const what = `reading blocks after ${after}`;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end, { once: true });
    this.#whenClosed.add(end);
    if (signal.aborted || this.#isClosed) end();
    try {
      yield* this.#blocks(after + 1, what, ending.signal);
    } catch (error) {
      if (!ending.signal.aborted) throw streams.unavailableBy(this.#connection, what, error);
    } finally {
      signal.removeEventListener('abort', end);
      this.#whenClosed.delete(end);
    }
  }

  async *#blocks(first: number, what: string, signal: AbortSignal): AsyncGenerator<LogBlock> {
    if (signal.aborted) return;
    let next = first;
    await this.#checkReadable(next);
    for await (const { seq, data } of follow(this.#connection, {
      stream: this.#stream,
      what,
      from: next,
      signal,
    })) {
      // A server that is behind begins with the end that it knows.
      if (seq < next) continue;
      if (seq > next) {
        await this.#checkReadable(next);
        throw this.#connection.unavailable(what, `block ${next} did not come before block ${seq}`);
      }
      next += 1;
      this.#seen = Math.max(this.#seen, seq);
      yield { number: seq, bytes: data };
    }
  }

  /** Rejects where the block was trimmed, or is missing. One that comes later is neither. */
  async #checkReadable(number: number): Promise<void> {
    const { first_seq: first, last_seq: last } = await this.#state();
    if (number > last) return;
    if (number < first) throw new LogTrimmed(`block ${number} was trimmed: the log begins with ${first}`);
    const query = { seq: number };
    const what = `reading block ${number}`;
    const { jsm } = this.#connection;
    if ((await this.#connection.ask(what, () => jsm.streams.getMessage(this.#stream, query))) !== null)
      return;
    // It may have been trimmed meanwhile.
    const { first_seq: firstNow } = await this.#state();
    if (number < firstNow)
      throw new LogTrimmed(`block ${number} was trimmed: the log begins with ${firstNow}`);
    throw new LogBroken(
      `NATS: block ${number} is missing from stream ${this.#stream}, which has ${first} to ${last}: it was deleted or lost`,
    );
  }

  async end(): Promise<number> {
    return (await this.#state()).last_seq;
  }

  /** Rejects with LogBroken when somebody has changed the stream, or put another in its place. */
  async #state(): Promise<{ readonly first_seq: number; readonly last_seq: number }> {
    const what = `asking for the state of stream ${this.#stream}`;
    const seen = this.#seen;
    const info = await streams.openInfoOf(this.#connection, this.#stream, what);
    if (info.created !== this.#created) {
      throw new LogBroken(`NATS: stream ${this.#stream} was deleted, and made again at ${info.created}`);
    }
    const wrong = streams.wrongWith(info.config, this.#settings);
    if (wrong !== undefined) throw new LogBroken(wrong);
    this.#checkLength(info.state.last_seq, seen);
    return info.state;
  }

  /** Damage on a disk makes NATS go on with a shorter log, without an error. `seen`: when it was asked. */
  #checkLength(last: number, seen: number): void {
    const now = performance.now();
    if (last >= seen) {
      this.#seen = Math.max(this.#seen, last);
      this.#short = undefined;
      return;
    }
    // Said long ago, it may have been another server that was not up to date.
    const since =
      this.#short !== undefined && now - this.#short.last < SHORT_MS / 2 ? this.#short.since : now;
    this.#short = { since, last: now };
    if (now - since < SHORT_MS) return;
    throw new LogBroken(
      `NATS: stream ${this.#stream} ends with block ${last}, though block ${seen} was acknowledged: acknowledged blocks are lost`,
    );
  }

  putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#snapshots.put(number, parts);
  }

  snapshots(): Promise<readonly number[]> {
    return this.#snapshots.numbers();
  }

  getSnapshot(number: number): AsyncIterable<Uint8Array> {
    return this.#snapshots.get(number);
  }

  async trim(number: number): Promise<void> {
    const what = `trimming blocks up to ${number}`;
    const { first_seq: first, last_seq: last } = await this.#state();
    // The last one stays: it says which number is the next.
    const upTo = Math.min(number, last - 1);
    if (upTo >= first) {
      const { jsm } = this.#connection;
      const request = (): Promise<unknown> => jsm.streams.purge(this.#stream, { seq: upTo + 1 });
      await this.#connection.ask(what, request).catch((error: unknown) => {
        throw streams.unavailableBy(this.#connection, what, error);
      });
    }
    await this.#snapshots.trim(number);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const end of this.#whenClosed) end();
    await this.#connection.close();
  }
}

/** Each member is a subject, of which the stream keeps the last message alone. */
function memberList(connection: Connection, stream: string): MemberList {
  const subjectOf = (name: string): string => `${stream}.m${Buffer.from(name).toString('base64url')}`;
  const ask = <T>(what: string, request: (timeoutMs: number) => Promise<T>): Promise<T> =>
    connection.ask(what, request).catch((error: unknown) => {
      throw streams.unavailableBy(connection, what, error);
    });
  return {
    put: async (name, said) => {
      const text = JSON.stringify({ name, said });
      const expect = { streamName: stream };
      await ask('announcing a member', (timeout) =>
        connection.js.publish(subjectOf(name), text, { expect, timeout }),
      );
    },
    list: async () => {
      const what = 'listing members';
      const { state, ts } = await streams.openInfoOf(connection, stream, what, `${stream}.>`);
      const now = ts === undefined ? Date.now() : Date.parse(ts);
      const subjects = Object.keys(state.subjects ?? {});
      const found = await Promise.all(
        subjects.map((subject) =>
          ask(what, () => connection.jsm.streams.getMessage(stream, { last_by_subj: subject })),
        ),
      );
      return found.flatMap((message) => {
        if (message === null) return [];
        const member = memberOf(message.string());
        return member === undefined ? [] : [{ ...member, ageMs: Math.max(now - message.time.getTime(), 0) }];
      });
    },
  };
}

/** Undefined for what somebody else has put there. */
function memberOf(text: string): { readonly name: string; readonly said: string } | undefined {
  try {
    const { name, said } = JSON.parse(text) as { readonly name?: unknown; readonly said?: unknown };
    return typeof name === 'string' && typeof said === 'string' ? { name, said } : undefined;
  } catch {
    return undefined;
  }
}
