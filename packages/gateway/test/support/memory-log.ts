import { setImmediate as nextTurn } from 'node:timers/promises';

import { hashOf } from '../../src/cluster/log/block.ts';
import { LogTrimmed, LogUnavailable } from '../../src/cluster/log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../../src/cluster/log/shared-log.ts';

/** What handles of one log share: the servers of an engine, as it were. It lasts as long as it is referred to. */
export class MemoryEngine {
  /** Block `number` is at `number - first`. */
  readonly blocks: Uint8Array[] = [];
  first = 1;
  readonly snapshots = new Map<number, readonly Uint8Array[]>();
  readonly members = new Map<string, { readonly said: string; readonly atMs: number }>();
  /** What ages are told by. */
  nowMs: () => number = () => performance.now();
  readonly #waiting = new Set<() => void>();

  get end(): number {
    return this.first + this.blocks.length - 1;
  }

  append(after: number, block: Uint8Array, before?: Uint8Array): 'appended' | 'overtaken' {
    if (after !== this.end) return 'overtaken';
    const last = this.blocks.at(-1);
    if (before !== undefined && last !== undefined && Buffer.compare(hashOf(last), before) !== 0)
      return 'overtaken';
    this.blocks.push(Uint8Array.from(block));
    for (const wake of this.#waiting) wake();
    return 'appended';
  }

  trim(number: number): void {
    const gone = Math.max(0, Math.min(number, this.end) - this.first + 1);
    this.blocks.splice(0, gone);
    this.first += gone;
    for (const each of this.snapshots.keys()) if (each < number) this.snapshots.delete(each);
  }

  /** As after a failover to a server that lacked what is behind this block. Returns what brings it back, should nothing be appended. */
  lose(number: number): () => void {
    const lost = this.blocks.splice(number - this.first + 1);
    const snapshots = [...this.snapshots].filter(([each]) => each > number);
    for (const [each] of snapshots) this.snapshots.delete(each);
    return () => {
      this.blocks.push(...lost);
      for (const [each, parts] of snapshots) this.snapshots.set(each, parts);
      for (const wake of this.#waiting) wake();
    };
  }

  /** Resolves when a block was appended, or one of the signals is aborted. */
  changed(signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        for (const signal of signals) signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      for (const signal of signals) signal.addEventListener('abort', wake);
      if (signals.some(({ aborted }) => aborted)) wake();
    });
  }
}

/** A shared log in memory: one handle of many. What it is asked for it does in the same turn, and answers in a later one. */
export class MemoryLog implements SharedLog {
  readonly blockBytesMax = 1024 * 1024;
  readonly members: MemberList;
  readonly #engine: MemoryEngine;
  readonly #closing = new AbortController();

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
    this.members = {
      put: async (name, said) => {
        await this.#answered(() => void engine.members.set(name, { said, atMs: engine.nowMs() }));
      },
      list: () =>
        this.#answered(() =>
          [...engine.members].map(([name, { said, atMs }]) => ({
            name,
            said,
            ageMs: engine.nowMs() - atMs,
          })),
        ),
    };
  }

  append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'> {
    if (block.length > this.blockBytesMax)
      return Promise.reject(new RangeError(`a block of ${block.length} bytes`));
    return this.#answered(() => this.#engine.append(after, block, before));
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    const signals = [signal, this.#closing.signal];
    const isOver = (): boolean => signals.some(({ aborted }) => aborted);
    for (let next = after + 1; ;) {
      await nextTurn();
      while (next > this.#engine.end && !isOver()) await this.#engine.changed(signals);
      if (isOver()) return;
      const { first, blocks } = this.#engine;
      if (next < first) throw new LogTrimmed(`blocks up to ${first - 1} were trimmed`);
      yield { number: next, bytes: blocks[next - first]! };
      next += 1;
    }
  }

  end(): Promise<number> {
    return this.#answered(() => this.#engine.end);
  }

  async putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const kept: Uint8Array[] = [];
    for await (const part of parts) kept.push(Uint8Array.from(part));
    await this.#answered(() => void this.#engine.snapshots.set(number, kept));
  }

  snapshots(): Promise<readonly number[]> {
    return this.#answered(() => [...this.#engine.snapshots.keys()].sort((a, b) => b - a));
  }

  async *getSnapshot(number: number): AsyncGenerator<Uint8Array, void> {
    const parts = await this.#answered(() => this.#engine.snapshots.get(number));
    if (parts === undefined) throw new LogTrimmed(`there is no snapshot ${number}`);
    yield* parts;
  }

  async trim(number: number): Promise<void> {
    await this.#answered(() => this.#engine.trim(number));
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  async #answered<T>(act: () => T): Promise<T> {
    if (this.#closing.signal.aborted) throw new LogUnavailable('the log was closed');
    const answer = act();
    await nextTurn();
    return answer;
  }
}
