/** What an attack is. Each runs in a process of its own, against one gateway on this machine, round after round until its time is over. */
import type { Target } from './wire.ts';

export interface AttackContext {
  readonly target: Target;
  readonly byJob: boolean;
  /** From 0 on. */
  readonly round: number;
  /** Numbers in [0, 1) that the seed decides. */
  readonly chance: () => number;
  /** When to be done, by `performance.now()`. */
  readonly endMs: number;
}

export interface Attack {
  /** For the table. */
  readonly what: string;
  /** Between rounds. */
  readonly pauseMs: number;
  round(context: AttackContext): Promise<void>;
}

/** What the process of an attack prints last, as one line of JSON. */
export interface AttackReport {
  readonly rounds: number;
  /** Requests written as a whole. */
  readonly sent: number;
  /** Replies by status. */
  readonly replies: Readonly<Record<string, number>>;
  /** Connections that the gateway closed, or that could not be opened. */
  readonly closed: number;
}
