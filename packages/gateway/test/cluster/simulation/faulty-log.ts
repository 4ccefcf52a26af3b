/** A log on virtual time, and what may happen between it and a member. */
import { hashOf } from '../../../src/cluster/log/block.ts';
import { LogTrimmed, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../../../src/cluster/log/shared-log.ts';
import type { Random } from './random.ts';
import type { VirtualProcess, VirtualTime } from './virtual-time.ts';

export interface Engine {
  readonly blocks: (Uint8Array | undefined)[];
  readonly snapshots: Map<number, readonly Uint8Array[]>;
  readonly watchers: Set<() => void>;
  readonly said: Map<string, { readonly said: string; readonly atMs: number }>;
  /** Grows with each failover, over which no request comes. */
  generation: number;
  /** False: an append wins wherever the log ends. The control, which has to fail. */
  readonly comparesAndSets: boolean;
}

export function newEngine({ comparesAndSets = true } = {}): Engine {
  return {
    blocks: [],
    snapshots: new Map(),
    watchers: new Set(),
    said: new Map(),
    generation: 0,
    comparesAndSets,
  };
}

/** What the network does to requests; probabilities. */
export interface Faults {
  lost: number;
  replyLost: number;
  late: number;
}

export const noFaults: Faults = { lost: 0, replyLost: 0, late: 0 };
const TIMEOUT_MS = 1_000;
const LATE_MS = 8_000;

/** What one member sees of the engine. */
export class FaultyLog implements SharedLog {
  readonly blockBytesMax: number;
  isCutOff = false;
  readonly members: MemberList = {
    put: (name, said) => this.#call(() => void this.#engine.said.set(name, { said, atMs: this.#time.nowMs })),
    list: () =>
      this.#call(() =>
        [...this.#engine.said].map(([name, { said, atMs }]) => ({
          name,
          said,
          ageMs: this.#time.nowMs - atMs,
        })),
      ),
  };
  readonly #engine: Engine;
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #process: VirtualProcess;
  readonly #faults: Faults;

  constructor(
    engine: Engine,
    deps: {
      readonly time: VirtualTime;
      readonly random: Random;
      readonly process: VirtualProcess;
      readonly faults: Faults;
      readonly blockBytesMax?: number;
    },
  ) {
    this.#engine = engine;
    this.#time = deps.time;
    this.#random = deps.random;
    this.#process = deps.process;
    this.#faults = deps.faults;
    this.blockBytesMax = deps.blockBytesMax ?? 4096;
  }

  async append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'> {
    return this.#call(() => {
      const { blocks, watchers, comparesAndSets } = this.#engine;
      const last = blocks.at(-1);
      const isOther =
        before !== undefined && last !== undefined && Buffer.compare(hashOf(last), before) !== 0;
      if (comparesAndSets && (blocks.length !== after || isOther)) return 'overtaken' as const;
      blocks.push(block);
      for (const each of watchers) each();
      return 'appended' as const;
    });
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    const { blocks } = this.#engine;
    for (let number = after + 1; ; number += 1) {
      while (blocks.length < number && !signal.aborted) await this.#nextBlock(signal);
      if (signal.aborted) return;
      const bytes = await this.#call(() => blocks[number - 1]);
      if (bytes === undefined) throw new LogTrimmed(`block ${number} was trimmed`);
      yield { number, bytes };
    }
  }

  #nextBlock(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#engine.watchers.delete(done);
        signal.removeEventListener('abort', done);
        if (this.isCutOff)
          this.#time.at(TIMEOUT_MS, () => this.#process.reach(() => reject(new LogUnavailable('cut off'))));
        else resolve();
      };
      this.#engine.watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  end(): Promise<number> {
    return this.#call(() => this.#engine.blocks.length);
  }

  async putSnapshot(number: number, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const kept: Uint8Array[] = [];
    for await (const part of parts) kept.push(Uint8Array.from(part));
    await this.#call(() => void this.#engine.snapshots.set(number, kept));
  }

  snapshots(): Promise<readonly number[]> {
    return this.#call(() => [...this.#engine.snapshots.keys()].toSorted((a, b) => b - a));
  }

  async *getSnapshot(number: number): AsyncGenerator<Uint8Array, void> {
    yield* await this.#call(() => this.#engine.snapshots.get(number) ?? []);
  }

  trim(number: number): Promise<void> {
    return this.#call(() => {
      this.#engine.blocks.fill(undefined, 0, number);
      for (const each of this.#engine.snapshots.keys())
        if (each < number) this.#engine.snapshots.delete(each);
    });
  }

  async close(): Promise<void> {}

  /** Has the engine do it, if the request arrives, and answers, if the reply does. */
  #call<T>(run: () => T): Promise<T> {
    const { lost, replyLost, late } = this.#faults;
    const random = this.#random;
    const isLost = this.isCutOff || random.chance(lost);
    const isLate = random.chance(late);
    const isReplyLost = isLate || random.chance(replyLost);
    const there = isLate ? random.next() * LATE_MS : 1 + random.next() * 20;
    const back = 1 + random.next() * 20;
    return new Promise((resolve, reject) => {
      const answer = (afterMs: number, reply: () => void): void =>
        void this.#time.at(afterMs, () => this.#process.reach(reply));
      const giveUp = (): void => answer(TIMEOUT_MS, () => reject(new LogUnavailable('no answer')));
      if (isLost || isReplyLost) giveUp();
      if (isLost) return;
      const { generation } = this.#engine;
      this.#time.at(there, () => {
        if (this.#engine.generation !== generation) {
          if (!isReplyLost) giveUp();
          return;
        }
        const result = run();
        if (isReplyLost) return;
        if (this.isCutOff) giveUp();
        else answer(back, () => resolve(result));
      });
    });
  }
}
