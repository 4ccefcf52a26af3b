/** Measures that run in this process, as they need what HTTP does not show. Each is one line here. */
import { isLong } from './campaign.ts';
import { pushTurns } from './turns-push.ts';
import { stateTurns } from './turns-state.ts';

export interface LongestTurn {
  readonly name: string;
  /** Of the main thread, or a little more. */
  readonly cpuMs: number;
  /** The collector and other processes included. */
  readonly wallMs: number;
}

export interface TurnsInProcess {
  readonly part: string;
  readonly turns: () => Promise<readonly LongestTurn[]>;
}

export const turnsInProcess: readonly TurnsInProcess[] = [
  { part: 'changes of the state', turns: () => stateTurns({ scale: isLong ? 0.25 : 0.02 }) },
  { part: 'pushes', turns: () => pushTurns(isLong ? '' : '128 KiB') },
];
