import process from 'node:process';
import { expect, onTestFinished } from 'vitest';

import { Load } from './load.ts';
import type { LogServers } from './log-servers.ts';
import { newTable, Pair } from './pair.ts';
import type { MemberOptions, PairMember } from './pair.ts';

interface Running {
  readonly pair: Pair;
  readonly load: Load;
  /** The table or stream that the log is. */
  readonly log: string;
  /** Who leads when it begins. */
  readonly leader: PairMember;
  readonly standby: PairMember;
}

interface UnderLoad {
  readonly what: string;
  readonly happens: (running: Running) => Promise<void>;
  /** Whose senders were all answered 202. */
  readonly spared?: (running: Running) => readonly PairMember[];
  readonly options?: Partial<MemberOptions>;
  readonly ofFirst?: Partial<MemberOptions>;
}

/** Something happens to a pair under load; then what was answered 202 counts once, and those connected to these members were all answered so. */
export async function underLoad(
  servers: LogServers,
  { what, happens, spared = () => [], options = {}, ofFirst = {} }: UnderLoad,
): Promise<void> {
  const log = newTable();
  const pair = await Pair.start(servers, { table: log, ...options }, ofFirst);
  const { leader } = pair;
  const standby = pair.other(leader);
  const load = new Load({ urls: pair.urls });
  onTestFinished(() => load.abandon());
  const running = { pair, load, log, leader, standby };
  await load.goesOn();
  load.longestPauseMs();
  await happens(running);
  await load.goesOn();
  process.stdout.write(`${what}: no push was taken for at most ${load.longestPauseMs()} ms\n`);
  await load.stop();
  await pair.expectAll(load);
  for (const { url } of spared(running)) expect(load.refused.get(url) ?? []).toEqual([]);
}
