/**
 * A member that has read more than the log has, as an engine has failed over to a server that lacked the last blocks. It takes no pushes and does not
 * take over: what it has read was acknowledged, and would be lost. It waits until the log has them again, somebody else has gone on without them, or an
 * operator has this member begin the log anew (`storage refound`).
 */
import type { Chain } from './log/chain.ts';
import { hashOf, noHash, readBlock } from './log/block.ts';
import { blockAt, isBlock } from './log/block-at.ts';
import { ownLevels } from './log/level.ts';
import type { Levels } from './log/level.ts';
import { LogTrimmed, LogUnavailable } from './log/shared-log.ts';
import type { SharedLog } from './log/shared-log.ts';
import type { LogEnd } from './refound.ts';
import { readSaid, sayAhead, takeBackAhead } from './said.ts';
import type { Timing } from './timing.ts';

/** Between two looks at the log. */
const LOOK_MS = 1_000;

export interface AheadOptions {
  readonly log: SharedLog;
  readonly timing: Timing;
  /** Of this member, as operators know it. */
  readonly name: string;
  readonly url: string;
  readonly levels?: Levels | undefined;
  /** Why this process must not lead with the state as it is; undefined where it may. */
  readonly whyNotLead?: (() => Promise<string | undefined>) | undefined;
  /** Told what is wrong once it is sure, and undefined when it is over. */
  readonly onAhead: (problem: string | undefined) => void;
}

/**
 *   whole       the log ends with the very block that was read last
 *   followed    it has that block, and others after it
 *   lost        it has another block in the place of one that was read
 *   refounded   this member has begun it anew
 */
export type Settled = 'whole' | 'followed' | 'lost' | 'refounded';

/** What to do where an operator says so; false where it could not be done. */
type Refound = (end: LogEnd) => Promise<boolean>;

export class AheadOfLog {
  readonly #chain: Chain;
  readonly #options: AheadOptions;
  readonly #led: boolean;
  readonly #signal: AbortSignal;
  readonly #refound: Refound;
  /** Where the log ended at first, where its blocks cannot be told from others. */
  #firstEnd: number | undefined;
  #looks = 0;

  constructor(
    chain: Chain,
    options: AheadOptions,
    how: { readonly led: boolean; readonly signal: AbortSignal; readonly refound: Refound },
  ) {
    this.#chain = chain;
    this.#options = options;
    this.#led = how.led;
    this.#signal = how.signal;
    this.#refound = how.refound;
  }

  /** Rejects with what is no LogUnavailable, and with the reason of the signal. */
  async settled(): Promise<Settled> {
    const { timing, log, name, onAhead } = this.#options;
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        try {
          const settled = await this.#look();
          if (settled !== undefined) return settled;
        } catch (error) {
          // What was read may have been let go meanwhile, as another one went on.
          if (!(error instanceof LogUnavailable || error instanceof LogTrimmed)) throw error;
        }
        await timing.sleep(LOOK_MS, this.#signal);
      }
    } finally {
      if (this.#looks > 0) takeBackAhead(log.members, name).catch(() => undefined);
      if (this.#looks > 1) onAhead(undefined);
    }
  }

  /** Undefined as long as this member is ahead. */
  async #look(): Promise<Settled | undefined> {
    const { log, whyNotLead, levels: { read: readLevel } = ownLevels } = this.#options;
    const { number } = this.#chain;
    const end = await log.end();
    if (end >= number) return this.#compare(end);
    const last = end === 0 ? undefined : await this.#read(end);
    const head = last === undefined ? undefined : readBlock(last, readLevel);
    const isOurs = head === undefined || this.#chain.has(end, head);
    if (isOurs === undefined) this.#firstEnd ??= end;
    if (isOurs === false || (isOurs === undefined && this.#firstEnd !== end)) return 'lost';
    this.#looks += 1;
    // Others must not take over meanwhile.
    await this.#say(end);
    // What an engine says while it elects may be old.
    if (this.#looks === 1) return undefined;
    // What it has is what an operator should know of also where it is not for it to go on.
    const why = this.#led ? undefined : await whyNotLead?.();
    const problem = describeAhead(number, end);
    this.#options.onAhead(why === undefined ? problem : `${problem}, but not from this member: ${why}`);
    if (why !== undefined) return undefined;
    const hash = last === undefined ? noHash : hashOf(last);
    return this.#ordered({ number: end, hash, term: head?.term ?? 0 });
  }

  async #compare(end: number): Promise<Settled> {
    const { log, timing } = this.#options;
    const { number } = this.#chain;
    const rest = end === number ? 'whole' : 'followed';
    if (number === 0) return rest;
    const isThere = await isBlock(log, this.#chain, { timing, signal: this.#signal });
    return isThere === false ? 'lost' : rest;
  }

  async #say(end: number): Promise<void> {
    const { log, name, url } = this.#options;
    const { number, term, hash, log: id } = this.#chain;
    const own = { name, url, log: hex(id), term, block: number, hash: hex(hash), led: this.#led, end };
    await sayAhead(log.members, own);
  }

  /** Does what an operator has said. */
  async #ordered(end: LogEnd): Promise<'refounded' | undefined> {
    const { log, name } = this.#options;
    const { number, hash } = this.#chain;
    const { order } = await readSaid(log.members);
    const isMeant =
      order?.name === name && order.block === number && order.hash === hex(hash) && order.end === end.number;
    return isMeant && (await this.#refoundFrom(end)) ? 'refounded' : undefined;
  }

  /** That takes as long as all of the state takes to be written, and others must not take over meanwhile. */
  async #refoundFrom(end: LogEnd): Promise<boolean> {
    const over = new AbortController();
    void this.#keepSaying(end.number, AbortSignal.any([over.signal, this.#signal]));
    try {
      return await this.#refound(end);
    } finally {
      over.abort();
    }
  }

  async #keepSaying(end: number, signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    while (!signal.aborted) {
      await timing.sleep(LOOK_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#say(end).catch(() => undefined);
    }
  }

  #read(number: number): Promise<Uint8Array> {
    const { log, timing } = this.#options;
    return blockAt(log, number, { timing, signal: this.#signal });
  }
}

/** Why a member that has not read as much must not take over, should another one say that it has read more; undefined otherwise. */
export async function whoIsAhead(
  { log: { members }, name }: AheadOptions,
  chain: Chain,
): Promise<string | undefined> {
  // It only helps where it can be read.
  const said = await readSaid(members).catch(() => undefined);
  const other = said?.ahead.find(
    (each) =>
      each.name !== name && each.block > chain.number && (chain.number === 0 || each.log === hex(chain.log)),
  );
  if (other === undefined) return undefined;
  return `${describeAhead(other.block, other.end, `the member ${other.name}`)}, or stop that member to go on without`;
}

function describeAhead(number: number, end: number, who = 'this member'): string {
  return `the log ends with block ${end}, and ${who} has seen block ${number}: the engine has lost what was acknowledged; return to the server that has it, or go on with what members have: prom-aggregation-gateway storage refound`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
