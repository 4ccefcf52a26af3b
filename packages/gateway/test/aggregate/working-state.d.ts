/** A state with a reader of pushes in front of it, and all there is to know about it, for comparing. */
import type { Batch } from '../../src/aggregate/batch.ts';
import type { Limits, StateRules } from '../../src/aggregate/rules.ts';
import { State } from '../../src/aggregate/state.ts';
import type { PushOrigin } from '../../src/aggregate/state.ts';
import type { PageOptions } from '../../src/exposition/family-writer.ts';
import type { PageFormat } from '../../src/model/page-format.ts';
import type { PageView } from '../../src/model/page-view.ts';
export interface PushedBy {
    readonly source?: string;
    readonly method?: 'PUT' | 'POST';
    readonly nowMs?: number;
    /** Read as OpenMetrics, so many bytes at a time; else as text. */
    readonly openMetricsSlice?: number;
}
export interface PageWanted {
    readonly format?: PageFormat;
    readonly options?: PageOptions;
}
export declare class WorkingState {
    #private;
    readonly state: State;
    /** Called with each batch, as the state is before it. */
    beforeApplying: (batch: Batch, origin: PushOrigin) => void;
    constructor(rules: Partial<StateRules>, hashSeed: number, limits?: Limits, stepRows?: number);
    /** Returns what became of the push: 'taken', or the code of its refusal. Bytes are protobuf. */
    push(pushed: string | Buffer, by?: PushedBy): string;
    /** The same, with what it changes applied in steps. */
    pushInSteps(pushed: string | Buffer, { source, method, nowMs, openMetricsSlice }?: PushedBy): Generator<void, string>;
    /** The page of a view that was opened before, or of one of now; protobuf in Latin-1. */
    page(view?: PageView, { format, options }?: PageWanted): Promise<string>;
    /** Everything that the page and the numbers of what comes later depend on. */
    facts(): object;
    /** The state as it is, saved and read into another one. `meanwhile` is called after each part but the last. */
    restored(hashSeed: number, meanwhile?: (part: number) => void): Promise<WorkingState>;
}
export declare function partsOf(state: State, meanwhile?: (part: number) => void): Promise<Uint8Array[]>;
export declare function inTurn(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void>;
