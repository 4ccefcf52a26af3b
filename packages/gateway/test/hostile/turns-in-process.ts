/** Measures that run in this process, as they need what HTTP does not show. Each is one line here. */

export interface LongestTurn {
  readonly name: string;
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface TurnsInProcess {
  readonly part: string;
  readonly turns: () => Promise<readonly LongestTurn[]>;
}

export const turnsInProcess: readonly TurnsInProcess[] = [];
