/** A log on virtual time, and what may happen between it and a member. */
import { LogTrimmed, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { LogBlock, SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { Tag } from '../../../src/snapshot/parts.ts';
import type { Random } from './random.ts';
import type { VirtualProcess, VirtualTime } from './virtual-time.ts';

export interface Engine {
  readonly blocks: (Uint8Array | undefined)[];
  readonly snapshots: Map<number, readonly Uint8Array[]>;
  readonly watchers: Set<() => void>;
  /** False: an append wins wherever the log ends. The control, which has to fail. */
  readonly comparesAndSets: boolean;
  /** A sum in a snapshot is another one than was put there. A control as well. */
  readonly spoilsSnapshots: boolean;
}

export type EngineOptions = Partial<Pick<Engine, 'comparesAndSets' | 'spoilsSnapshots'>>;

export function newEngine({ comparesAndSets = true, spoilsSnapshots = false }: EngineOptions = {}): Engine {
  return { blocks: [], snapshots: new Map(), watchers: new Set(), comparesAndSets, spoilsSnapshots };
}

/** Of what senders have counted, one more. */
function spoiled(part: Uint8Array): Uint8Array {
  const bytes = Buffer.from(part);
  const hasSums = bytes.length > 4 && bytes.readUInt32LE() === Tag.ACCUMULATORS;
  for (let at = 16; hasSums && at < bytes.length; at += 8) {
    const value = bytes.readDoubleLE(at);
    if (!Number.isInteger(value) || value < 1 || value > 1_000) continue;
    bytes.writeDoubleLE(value + 1, at);
    break;
  }
  return bytes;
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
  readonly members = { put: async () => {}, list: async () => [] };
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

  async append(after: number, block: Uint8Array): Promise<'appended' | 'overtaken'> {
    return this.#call(() => {
      const { blocks, watchers, comparesAndSets } = this.#engine;
      if (comparesAndSets && blocks.length !== after) return 'overtaken' as const;
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
    const parts = await this.#call(() => this.#engine.snapshots.get(number) ?? []);
    yield* this.#engine.spoilsSnapshots ? parts.map(spoiled) : parts;
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
      this.#time.at(there, () => {
        const result = run();
        if (isReplyLost) return;
        if (this.isCutOff) giveUp();
        else answer(back, () => resolve(result));
      });
    });
  }
}
