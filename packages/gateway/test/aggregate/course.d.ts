/** What may happen to a state, and states that go through the same. */
import fc from 'fast-check';
import type { WorkingState } from './working-state.ts';
export type Step = {
    readonly push: string;
    readonly source: string;
    readonly method: 'PUT' | 'POST';
} | {
    readonly again: number;
    readonly source: string;
    readonly method: 'PUT' | 'POST';
} | {
    readonly remove: string;
} | {
    readonly waitMs: number;
} | {
    readonly recycle: true;
};
export declare const step: fc.Arbitrary<Step>;
export declare const steps: fc.Arbitrary<Step[]>;
/** Takes the same steps with any number of states; what became of each must be the same. */
export declare class Course {
    #private;
    take(each: Step, states: readonly WorkingState[]): void;
    /** The same with one state, where `between` is called between the steps of a change. Returns what became of it. */
    takeInSteps(each: Step, one: WorkingState, between: () => Promise<void>): Promise<string>;
}
