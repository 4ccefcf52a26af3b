/** An engine on virtual time, and what may happen between it and a member. */
import { hashOf } from '../../../src/cluster/log/block.ts';
import { LogTrimmed, LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { LogBlock, MemberList, SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { Tag } from '../../../src/snapshot/parts.ts';
import type { Random } from './random.ts';
import type { VirtualProcess, VirtualTime } from './virtual-time.ts';

/** What the network does to requests; probabilities. */
export interface Faults {
  lost: number;
  replyLost: number;
  late: number;
}

export const noFaults: Faults = { lost: 0, replyLost: 0, late: 0 };
const gone = new LogUnavailable('the server has gone');
const TIMEOUT_MS = 1_000;
const LATE_MS = 4_500;
/** For copies on other servers. */
const COMMIT_MS = 400;
/** Until another server goes on: longer than it takes to read a block. */
const LOSES_MS = 60;

/** Controls, which have to fail. */
export interface EngineOptions {
  /** False: an append wins wherever the log ends. */
  readonly comparesAndSets?: boolean;
  /** A sum in a snapshot is another one than was put there. */
  readonly spoilsSnapshots?: boolean;
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

/** Servers that keep copies of one log. The one that is asked shows blocks that the others do not have yet, and which a failover loses. */
export class Engine {
  blocks: (Uint8Array | undefined)[] = [];
  readonly snapshots = new Map<number, readonly Uint8Array[]>();
  readonly watchers = new Set<(error?: Error) => void>();
  readonly said = new Map<string, { readonly said: string; readonly atMs: number }>();
  /** How many of the blocks no failover loses. */
  committed = 0;
  isSlow = false;
  failovers = 0;
  /** Grows with each loss of committed blocks, over which no request comes. */
  losses = 0;
  readonly time: VirtualTime;
  readonly spoilsSnapshots: boolean;
  readonly #comparesAndSets: boolean;
  readonly #random: Random;
  #losesNext = false;
  /** Grows with each failover. */
  #term = 0;

  constructor(
    time: VirtualTime,
    { random, comparesAndSets = true, spoilsSnapshots = false }: EngineOptions & { readonly random: Random },
  ) {
    this.time = time;
    this.#random = random;
    this.#comparesAndSets = comparesAndSets;
    this.spoilsSnapshots = spoilsSnapshots;
  }

  /** Calls `committed` once it is; never, where another server goes on without it. */
  append(
    block: Uint8Array,
    { after, before }: { readonly after: number; readonly before: Uint8Array | undefined },
    committed: () => void,
  ): 'overtaken' | undefined {
    const { blocks, time } = this;
    if (this.#comparesAndSets && !this.#isEnd(after, before)) return 'overtaken';
    blocks.push(block);
    const number = blocks.length;
    const term = this.#term;
    const commit = (): void => {
      if (term !== this.#term) return;
      this.committed = Math.max(this.committed, number);
      this.#wake();
      committed();
    };
    if (this.#losesNext) {
      this.#losesNext = false;
      time.at(LOSES_MS, () => this.#failOver());
      this.#wake();
    } else if (this.isSlow) {
      time.at(this.#random.next() * COMMIT_MS, commit);
      this.#wake();
    } else commit();
    return undefined;
  }

  #isEnd(after: number, before: Uint8Array | undefined): boolean {
    const last = this.blocks.at(-1);
    const isOther = before !== undefined && last !== undefined && Buffer.compare(hashOf(last), before) !== 0;
    return this.blocks.length === after && !isOther;
  }

  /** Another server goes on, with what all have; what is appended next they do not have. */
  failOverSoon(): void {
    this.#losesNext = true;
  }

  /** Another server goes on, which lacks committed blocks behind this one; their snapshots may be in a store of their own. */
  lose(number: number, keepsSnapshots: boolean): void {
    this.committed = number;
    this.losses += 1;
    if (!keepsSnapshots)
      for (const each of this.snapshots.keys()) if (each > number) this.snapshots.delete(each);
    this.#failOver();
  }

  #failOver(): void {
    this.failovers += 1;
    this.#term += 1;
    this.blocks = this.blocks.slice(0, this.committed);
    this.#wake(gone);
  }

  #wake(error?: Error): void {
    for (const each of this.watchers) each(error);
  }
}

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
  readonly #readFaults: Faults;
  /** An append was left in doubt. */
  #doubts = false;

  constructor(
    engine: Engine,
    deps: {
      readonly random: Random;
      readonly process: VirtualProcess;
      readonly faults: Faults;
      readonly blockBytesMax: number;
      /** Only appends go wrong. */
      readonly readsInTime: boolean;
    },
  ) {
    this.#engine = engine;
    this.#time = engine.time;
    this.#random = deps.random;
    this.#process = deps.process;
    this.#faults = deps.faults;
    this.#readFaults = deps.readsInTime ? noFaults : deps.faults;
    this.blockBytesMax = deps.blockBytesMax;
  }

  async append(after: number, block: Uint8Array, before?: Uint8Array): Promise<'appended' | 'overtaken'> {
    try {
      return await this.#ask((reply) => {
        const refused = this.#engine.append(block, { after, before }, () => reply('appended'));
        if (refused !== undefined) reply(refused);
      }, this.#faults);
    } catch (error) {
      this.#doubts = true;
      throw error;
    }
  }

  async *tail(after: number, signal: AbortSignal): AsyncGenerator<LogBlock, void> {
    const engine = this.#engine;
    const isSure = this.#doubts;
    const end = (): number => (isSure ? engine.committed : engine.blocks.length);
    for (let number = after + 1; ; number += 1) {
      while (end() < number && !signal.aborted) await this.#nextBlock(signal);
      if (signal.aborted) return;
      const bytes = await this.#call(() => {
        if (number > engine.blocks.length) throw gone;
        return engine.blocks[number - 1];
      });
      if (bytes === undefined) throw new LogTrimmed(`block ${number} was trimmed`);
      yield { number, bytes };
    }
  }

  #nextBlock(signal: AbortSignal): Promise<void> {
    const { watchers } = this.#engine;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void =>
        void this.#time.at(error === gone ? 1 : TIMEOUT_MS, () => this.#process.reach(() => reject(error)));
      const done = (error?: Error): void => {
        watchers.delete(done);
        signal.removeEventListener('abort', aborted);
        if (error !== undefined) fail(error);
        else if (this.isCutOff) fail(new LogUnavailable('cut off'));
        else resolve();
      };
      const aborted = (): void => done();
      watchers.add(done);
      signal.addEventListener('abort', aborted, { once: true });
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
      const { blocks } = this.#engine;
      // The last one says where the log ends, whatever is asked.
      blocks.fill(undefined, 0, Math.min(number, blocks.length - 1));
      for (const each of this.#engine.snapshots.keys())
        if (each < number) this.#engine.snapshots.delete(each);
    });
  }

  async close(): Promise<void> {}

  #call<T>(run: () => T): Promise<T> {
    return this.#ask((reply, fail) => {
      try {
        reply(run());
      } catch (error) {
        fail(error as Error);
      }
    }, this.#readFaults);
  }

  /** Has the engine do it, if the request arrives; its reply may not. */
  #ask<T>(
    run: (reply: (result: T) => void, fail: (error: Error) => void) => void,
    { lost, replyLost, late }: Faults,
  ): Promise<T> {
    const random = this.#random;
    const isLost = this.isCutOff || random.chance(lost);
    const isLate = random.chance(late);
    const isReplyLost = isLate || random.chance(replyLost);
    const there = isLate ? random.next() * LATE_MS : 1 + random.next() * 20;
    const back = 1 + random.next() * 20;
    return new Promise((resolve, reject) => {
      const takeBack = this.#time.at(TIMEOUT_MS, () =>
        this.#process.reach(() => reject(new LogUnavailable('no answer'))),
      );
      if (isLost) return;
      const replied = (reply: () => void): void => {
        if (isReplyLost || this.isCutOff) return;
        this.#time.at(back, () =>
          this.#process.reach(() => {
            takeBack();
            reply();
          }),
        );
      };
      const { losses } = this.#engine;
      this.#time.at(there, () => {
        if (this.#engine.losses !== losses) return;
        run(
          (result) => replied(() => resolve(result)),
          (error) => replied(() => reject(error)),
        );
      });
    });
  }
}
