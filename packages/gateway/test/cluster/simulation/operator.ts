/** Whoever has to decide how to go on once the log has lost blocks that members have read. */
import { refoundBy } from '../../../src/cluster/refound-order.ts';
import { readSaid } from '../../../src/cluster/said.ts';
import { LogUnavailable } from '../../../src/cluster/log/shared-log.ts';
import type { SharedLog } from '../../../src/cluster/log/shared-log.ts';
import { FaultyLog, noFaults } from './faulty-log.ts';
import type { Engine } from './faulty-log.ts';
import type { MemberProcess } from './member-process.ts';
import type { Random } from './random.ts';
import { VirtualProcess } from './virtual-time.ts';

export class Operator {
  /** How often members have begun the log anew. */
  refounded = 0;
  readonly #engine: Engine;
  readonly #random: Random;
  readonly #tell: (what: string) => void;
  /** Who led when acknowledged blocks were lost, and the last one it had seen: so nobody who has less is named. */
  #lost: { readonly name: string; readonly block: number } | undefined;

  constructor(engine: Engine, random: Random, tell: (what: string) => void) {
    this.#engine = engine;
    this.#random = random;
    this.#tell = tell;
  }

  /** Whether what was acknowledged is in no log yet. */
  get isNeeded(): boolean {
    return this.#lost !== undefined;
  }

  /** Acknowledged blocks were lost while this member led. */
  lost({ name, member }: MemberProcess): void {
    this.#lost = { name, block: member.blockNumber };
  }

  /** Looks now and then, for ever, and has the member go on that has most. */
  async run(): Promise<void> {
    const process = new VirtualProcess(this.#engine.time, this.#random);
    const deps = { random: this.#random, process, faults: noFaults };
    const log = new FaultyLog(this.#engine, { ...deps, blockBytesMax: 0, readsInTime: true });
    for (;;) {
      await process.sleep(3_000 + this.#random.below(10_000));
      try {
        await this.#look(log, process);
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
      }
    }
  }

  async #look(log: SharedLog, process: VirtualProcess): Promise<void> {
    const { ahead } = await readSaid(log.members);
    const [best] = ahead;
    const lost = this.#lost;
    if (best === undefined) return;
    if (lost !== undefined && best.block <= lost.block && ahead.every(({ name }) => name !== lost.name))
      return;
    const print = (line: string): void => this.#tell(`an operator is told: ${line}`);
    const { code, text } = await refoundBy(log, { member: best.name, force: false }, print, process);
    print(text);
    // The block that says so may have been let go of already.
    if (code !== 0 && !text.startsWith('the log has gone on')) return;
    this.refounded += 1;
    this.#lost = undefined;
  }
}
