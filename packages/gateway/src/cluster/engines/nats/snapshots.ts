/**
 * Snapshots in a stream of their own. The parts, each after its length, are one sequence of bytes, which is cut into chunks; a message is the
 * number of the chunk and its bytes. Once all of them are stored, a last message says how many there are: only then there is a snapshot.
 *
 *   NAME-snapshots.<number>.<attempt>   a chunk; those of an attempt that did not end stay until the number is trimmed
 *   NAME-snapshots.<number>.whole       which attempt to read, how many chunks, and the digest of their bytes
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { LogBroken, LogUnavailable } from '../../log/shared-log.ts';
import type { AskOptions, Connection } from './connection.ts';
import { follow } from './follow.ts';
import { openInfoOf, unavailableBy } from './streams.ts';

const CHUNK_BYTES = 256 * 1024;
const INDEX_BYTES = 4;
const LENGTH_BYTES = 4;
/** Chunks that are sent before the first of them is acknowledged. */
const WINDOW = 8;
/** Without one more chunk acknowledged, or read. */
const STALLED_MS = 30_000;
const RETRY_DELAY_MS = 200;
/** How often, and with what between, until a snapshot is believed not to be there. */
const ABSENT_ASKS = 3;
const ABSENT_DELAY_MS = 500;

interface Whole {
  readonly attempt: string;
  readonly chunks: number;
  readonly bytes: number;
  readonly sha256: string;
}

export class Snapshots {
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #chunkBytes: number;

  constructor(connection: Connection, stream: string, messageBytesMax: number) {
    this.#connection = connection;
    this.#stream = stream;
    this.#chunkBytes = Math.min(CHUNK_BYTES, messageBytesMax - INDEX_BYTES);
  }

  async put(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const attempt = randomBytes(12).toString('hex');
    const hash = createHash('sha256');
    let chunks = 0;
    let bytes = 0;
    let unsent: Uint8Array[] = [];
    for await (const chunk of chunksOf(parts, this.#chunkBytes)) {
      new DataView(chunk.buffer, chunk.byteOffset).setUint32(0, chunks);
      hash.update(chunk.subarray(INDEX_BYTES));
      chunks += 1;
      bytes += chunk.length - INDEX_BYTES;
      unsent.push(chunk);
      if (unsent.length === WINDOW) {
        await this.#store(`${number}.${attempt}`, unsent);
        unsent = [];
      }
    }
    await this.#store(`${number}.${attempt}`, unsent);
    const whole: Whole = { attempt, chunks, bytes, sha256: hash.digest('hex') };
    await this.#store(`${number}.whole`, [new TextEncoder().encode(JSON.stringify(whole))]);
  }

  async numbers(): Promise<number[]> {
    const subjects = await this.#subjects('*.whole', 'listing snapshots');
    return subjects.map(([subject]) => this.#numberOf(subject)).toSorted((a, b) => b - a);
  }

  async *get(number: number): AsyncGenerator<Uint8Array> {
    const what = `reading snapshot ${number}`;
    const whole = await this.#whole(number, what);
    const subject = `${this.#stream}.${number}.${whole.attempt}`;
    const reader = new PartReader(number, whole.bytes);
    const hash = createHash('sha256');
    if (whole.chunks > 0) {
      for await (const chunk of this.#chunks(subject, whole.chunks, what)) {
        hash.update(chunk);
        yield* reader.read(chunk);
      }
    }
    if (!reader.isAtEnd || hash.digest('hex') !== whole.sha256) {
      throw new LogBroken(`NATS: snapshot ${number} is not what was stored: its digest differs`);
    }
  }

  async *#chunks(subject: string, count: number, what: string): AsyncGenerator<Uint8Array> {
    const stalled = new AbortController();
    const begin = (): NodeJS.Timeout => setTimeout(() => stalled.abort(), STALLED_MS);
    let timer = begin();
    let index = 0;
    try {
      const options = { stream: this.#stream, what, subject, from: 1, signal: stalled.signal };
      for await (const { data } of follow(this.#connection, options)) {
        // One that was sent again stands there twice, and may come after others.
        if (data.length < INDEX_BYTES || indexOf(data) !== index) continue;
        index += 1;
        clearTimeout(timer);
        yield data.subarray(INDEX_BYTES);
        if (index === count) return;
        timer = begin();
      }
    } catch (error) {
      throw unavailableBy(this.#connection, what, error);
    } finally {
      clearTimeout(timer);
    }
    throw this.#connection.unavailable(what, `chunk ${index} of ${count} does not come`);
  }

  /** Lets those before `number` go, with what is left of attempts. */
  async trim(number: number): Promise<void> {
    const what = 'trimming snapshots';
    const subjects = await this.#subjects('>', what);
    const numbers = new Set(subjects.map(([subject]) => this.#numberOf(subject)));
    for (const old of numbers) {
      if (!(old < number)) continue;
      const filter = `${this.#stream}.${old}.>`;
      await this.#ask(what, () => this.#connection.jsm.streams.purge(this.#stream, { filter }));
    }
  }

  /** Rejects with LogBroken where the snapshot is not there, or not all of it. One who has just begun to lead may find it only a little later. */
  async #whole(number: number, what: string): Promise<Whole> {
    const query = { last_by_subj: `${this.#stream}.${number}.whole` };
    const { jsm } = this.#connection;
    for (let asked = 1; ; asked += 1) {
      const message = await this.#ask(what, () => jsm.streams.getMessage(this.#stream, query));
      const whole = message === null ? undefined : wholeOf(message.string());
      const chunks = whole === undefined ? [] : await this.#subjects(`${number}.${whole.attempt}`, what);
      const stored = chunks[0]?.[1] ?? 0;
      if (whole !== undefined && stored >= whole.chunks) return whole;
      if (asked === ABSENT_ASKS) {
        const found = whole === undefined ? 'is not there' : `has ${stored} of its ${whole.chunks} chunks`;
        throw new LogBroken(`NATS: snapshot ${number} of stream ${this.#stream} ${found}`);
      }
      await sleep(ABSENT_DELAY_MS);
    }
  }

  async #subjects(pattern: string, what: string): Promise<(readonly [subject: string, messages: number])[]> {
    const filter = `${this.#stream}.${pattern}`;
    const { state } = await openInfoOf(this.#connection, this.#stream, what, filter);
    return Object.entries(state.subjects ?? {}).filter(([subject]) => !Number.isNaN(this.#numberOf(subject)));
  }

  #numberOf(subject: string): number {
    const [number = ''] = subject.slice(this.#stream.length + 1).split('.', 1);
    return /^\d+$/.test(number) ? Number(number) : Number.NaN;
  }

  /** All of them, in order: what follows one that was not acknowledged is sent again with it. */
  async #store(subject: string, messages: readonly Uint8Array[]): Promise<void> {
    let rest = messages;
    let progressAt = performance.now();
    while (rest.length > 0) {
      const answers = await Promise.allSettled(rest.map((message) => this.#publish(subject, message)));
      const failed = answers.findIndex(({ status }) => status === 'rejected');
      if (failed < 0) return;
      const { reason } = answers[failed] as PromiseRejectedResult;
      if (failed > 0) progressAt = performance.now();
      if (!(reason instanceof LogUnavailable) || performance.now() - progressAt > STALLED_MS) throw reason;
      rest = rest.slice(failed);
      await sleep(RETRY_DELAY_MS);
    }
  }

  #publish(subject: string, message: Uint8Array): Promise<unknown> {
    const { js } = this.#connection;
    const expect = { streamName: this.#stream };
    return this.#ask(
      'storing a snapshot',
      (timeout) => js.publish(`${this.#stream}.${subject}`, message, { expect, timeout }),
      { again: false },
    );
  }

  async #ask<T>(what: string, request: (timeoutMs: number) => Promise<T>, options?: AskOptions): Promise<T> {
    try {
      return await this.#connection.ask(what, request, options);
    } catch (error) {
      throw unavailableBy(this.#connection, what, error);
    }
  }
}

function indexOf({ buffer, byteOffset }: Uint8Array): number {
  return new DataView(buffer, byteOffset).getUint32(0);
}

function wholeOf(text: string): Whole | undefined {
  try {
    const { attempt, chunks, bytes, sha256 } = JSON.parse(text) as Whole;
    const isWhole =
      /^[0-9a-f]+$/.test(attempt) &&
      Number.isSafeInteger(chunks) &&
      Number.isSafeInteger(bytes) &&
      typeof sha256 === 'string';
    return isWhole ? { attempt, chunks, bytes, sha256 } : undefined;
  } catch {
    return undefined;
  }
}

/** Each with space for its number in front, and new: it may be kept. */
async function* chunksOf(parts: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(INDEX_BYTES + bytesMax);
  let length = INDEX_BYTES;
  for await (const part of parts) {
    const size = new Uint8Array(LENGTH_BYTES);
    new DataView(size.buffer).setUint32(0, part.length);
    for (const bytes of [size, part]) {
      for (let at = 0; at < bytes.length;) {
        const taken = bytes.subarray(at, at + chunk.length - length);
        chunk.set(taken, length);
        at += taken.length;
        length += taken.length;
        if (length < chunk.length) continue;
        yield chunk;
        chunk = new Uint8Array(INDEX_BYTES + bytesMax);
        length = INDEX_BYTES;
      }
    }
  }
  if (length > INDEX_BYTES) yield chunk.subarray(0, length);
}

/** Puts parts together again. */
class PartReader {
  readonly #number: number;
  /** What may still come, by what was said to be there. */
  #left: number;
  #head = new Uint8Array(LENGTH_BYTES);
  #headLength = 0;
  #part: Uint8Array | undefined;
  #partLength = 0;

  constructor(number: number, bytes: number) {
    this.#number = number;
    this.#left = bytes;
  }

  get isAtEnd(): boolean {
    return this.#left === 0 && this.#part === undefined && this.#headLength === 0;
  }

  *read(chunk: Uint8Array): Generator<Uint8Array> {
    this.#left -= chunk.length;
    for (let at = 0; at < chunk.length;) {
      at += this.#part === undefined ? this.#readHead(chunk, at) : this.#readPart(this.#part, chunk, at);
      if (this.#part === undefined || this.#partLength < this.#part.length) continue;
      yield this.#part;
      this.#part = undefined;
    }
  }

  #readHead(chunk: Uint8Array, at: number): number {
    const taken = chunk.subarray(at, at + LENGTH_BYTES - this.#headLength);
    this.#head.set(taken, this.#headLength);
    this.#headLength += taken.length;
    if (this.#headLength === LENGTH_BYTES) {
      const length = new DataView(this.#head.buffer).getUint32(0);
      if (length > this.#left + chunk.length) {
        throw new LogBroken(
          `NATS: snapshot ${this.#number} is damaged: a part of ${length} bytes exceeds it`,
        );
      }
      this.#part = new Uint8Array(length);
      this.#partLength = 0;
      this.#headLength = 0;
    }
    return taken.length;
  }

  #readPart(part: Uint8Array, chunk: Uint8Array, at: number): number {
    const taken = chunk.subarray(at, at + part.length - this.#partLength);
    part.set(taken, this.#partLength);
    this.#partLength += taken.length;
    return taken.length;
  }
}
