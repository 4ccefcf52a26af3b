/** Begins a log anew after its last block, with the state of a member that has read blocks which the log has lost. */
import { ByteWriter } from '../primitives/byte-writer.ts';
import { appendSurely } from './log/append-surely.ts';
import { BlockWriter, writeRefounding } from './log/block.ts';
import type { BlockHead, Leader } from './log/block.ts';
import { Chain } from './log/chain.ts';
import type { SharedLog } from './log/shared-log.ts';
import type { Timing } from './timing.ts';

/** The log's last block. */
export interface LogEnd {
  readonly number: number;
  readonly hash: Uint8Array;
  readonly term: number;
}

interface Refounder {
  readonly log: SharedLog;
  readonly timing: Timing;
  readonly self: Leader;
  readonly writer: Uint8Array;
}

/**
 * The state has to be in the log's store before the block that says so, or nobody could read on from there should this process die between the two. Where
 * somebody else's block comes first, its hash is not that of the snapshot, and so nobody takes the one for the other. Undefined then: nothing has changed.
 */
export async function refoundLog(
  { log, timing, self, writer }: Refounder,
  {
    chain,
    level,
    end,
    index,
    parts,
    signal,
  }: {
    /** What this member has read. */
    readonly chain: Chain;
    /** Of the block: all that is in the state may be written in blocks of that level. */
    readonly level: number;
    readonly end: LogEnd;
    /** The log index of the last record in the state. */
    readonly index: number;
    readonly parts: AsyncIterable<Uint8Array>;
    readonly signal: AbortSignal;
  },
): Promise<Chain | undefined> {
  const head: BlockHead = {
    level,
    kind: 'refound',
    log: chain.log,
    writer,
    term: Math.max(chain.term, end.term) + 1,
    first: index + 1,
    count: 0,
    before: end.hash,
  };
  const payload = new ByteWriter();
  writeRefounding(payload, { leader: self, number: chain.number, hash: chain.hash });
  const block = new BlockWriter().finish(head, payload);
  const next = new Chain();
  next.number = end.number;
  next.index = index;
  next.leader = self;
  next.appended(head, block);
  await log.putSnapshot(next.number, withHead(next, index, parts));
  const where = { after: end.number, before: end.hash, block, signal };
  const outcome = await appendSurely(log, where, timing);
  return outcome === 'appended' ? next : undefined;
}

/** The parts of a snapshot in the log's store: where to go on from, and the log index of the last record in the state. */
export async function* withHead(
  chain: Chain,
  index: number,
  parts: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const head = new ByteWriter();
  chain.write(head);
  head.whole(index);
  yield head.bytes();
  yield* parts;
}
