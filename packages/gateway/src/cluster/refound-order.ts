/** What an operator does where a log has lost its last blocks: asks the members what they have seen, and names the one to go on from. */
import { readBlock, readRefounding } from './log/block.ts';
import type { Block } from './log/block.ts';
import { blockAt } from './log/block-at.ts';
import { LogBroken, LogTrimmed } from './log/shared-log.ts';
import type { SharedLog } from './log/shared-log.ts';
import { readSaid, sayOrder } from './said.ts';
import type { Ahead, Order } from './said.ts';
import type { Timing } from './timing.ts';

/** Between two looks at what has become of the order, which has to be repeated. */
const LOOK_MS = 1_000;
/** A member writes all it has into the log's store first. */
const WAIT_MS = 10 * 60_000;

interface Told {
  /** 1 where nothing was done, or it is not known what. */
  readonly code: 0 | 1;
  readonly text: string;
}

/** Says which members there are, or has the one go on that is named; `print` is given a line for each. `force`: also where another one has seen more. */
export async function refoundBy(
  log: SharedLog,
  { member, force }: { readonly member: string | undefined; readonly force: boolean },
  print: (line: string) => void,
  timing: Timing,
): Promise<Told> {
  const end = await log.end();
  print(`ends with  block ${end}`);
  const { ahead, order } = await readSaid(log.members);
  for (const each of ahead) print(`member     ${describe(each)}`);
  const [best] = ahead;
  if (best === undefined)
    return refused(
      'no member says that it has seen more than the log has. Members say so while they run, some seconds after they have found out; what a member had that was restarted is lost',
    );
  if (member === undefined)
    return {
      code: 0,
      text: `to go on from ${best.name}: prom-aggregation-gateway storage refound ${best.name}`,
    };
  const chosen = ahead.find(({ name }) => name === member);
  if (chosen === undefined) return refused(`no member ${member} says that it has seen more than the log has`);
  if (!force && !isAsAdvanced(chosen, best))
    return refused(
      `${best.name} has seen block ${best.block}, and ${chosen.name} block ${chosen.block}: what was acknowledged in between would be lost. Name ${best.name}, or add --force`,
    );
  if (order !== undefined && order.name !== chosen.name)
    return refused(`somebody has just named ${order.name} to go on from; nothing was done`);
  if (end !== chosen.end)
    return refused(`the log ends with block ${end} now, and not with block ${chosen.end}; look again`);
  return carryOut(log, chosen, timing);
}

async function carryOut(log: SharedLog, chosen: Ahead, timing: Timing): Promise<Told> {
  const { name, block, hash, end } = chosen;
  const order: Order = { name, block, hash, end };
  const giveUpMs = timing.nowMs() + WAIT_MS;
  try {
    while (timing.nowMs() < giveUpMs) {
      await sayOrder(log.members, order);
      await timing.sleep(LOOK_MS);
      const { ahead, order: now } = await readSaid(log.members);
      // Asked last, as who has begun the log anew says no more that it is ahead.
      if ((await log.end()) > end) return await whatBecame(log, chosen, timing);
      if (now !== undefined && now.name !== name)
        return refused(`somebody has named ${now.name} to go on from meanwhile`);
      const still = ahead.find((each) => each.name === name);
      if (still === undefined) return refused(`${name} is gone, or no longer ahead of the log; look again`);
      if (still.block !== block || still.end !== end)
        return refused(`the log ends with block ${still.end} now, and not with block ${end}; look again`);
    }
    return refused(`${name} has not done it in ${WAIT_MS / 60_000} min; its log says why`);
  } finally {
    await sayOrder(log.members, undefined).catch(() => undefined);
  }
}

/** That another member has done it which had seen the same is as good. */
async function whatBecame(log: SharedLog, { block, hash, end }: Ahead, timing: Timing): Promise<Told> {
  const bytes = await blockAt(log, end + 1, { timing, signal: new AbortController().signal }).catch(
    (error: unknown) => {
      if (error instanceof LogTrimmed) return undefined;
      throw error;
    },
  );
  if (bytes === undefined)
    return refused(
      `the log has gone on with block ${end + 1}, and let it go since; the logs of the members say how`,
    );
  let next: Block;
  try {
    next = readBlock(bytes);
  } catch (error) {
    if (!(error instanceof LogBroken)) throw error;
    return refused(
      `the log has gone on with block ${end + 1}, which ${error.message}; the logs of the members say how`,
    );
  }
  const by = next.kind === 'refound' ? readRefounding(next.payload) : undefined;
  if (by?.number === block && Buffer.from(by.hash).toString('hex') === hash)
    return {
      code: 0,
      text: `the log goes on with block ${end + 1}, from what ${by.leader.url} had at block ${block}`,
    };
  return refused(
    `another member has gone on with block ${end + 1}; what was counted since would be lost, so nothing was done`,
  );
}

function isAsAdvanced(one: Ahead, best: Ahead): boolean {
  return one.term === best.term && one.block === best.block && one.hash === best.hash;
}

function describe({ name, url, block, term, led }: Ahead): string {
  return `${name}: has seen block ${block} of term ${term}, ${led ? 'which it led' : 'as a standby'}; ${url}`;
}

function refused(text: string): Told {
  return { code: 1, text };
}
