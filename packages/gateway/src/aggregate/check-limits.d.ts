import type { Batch } from './batch.ts';
import type { State } from './state.ts';
/** Throws a PushProblem when the batch would bring more than may be held. */
export declare function checkLimits({ cells, families, limits }: State, batch: Batch): void;
