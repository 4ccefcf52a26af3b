/**
 * Goes through the steps of what may take long: in this turn while that is short, and else a few milliseconds in each of the turns
 * that follow. Returns what the steps return, or a promise of it; the promise rejects with what a later step throws.
 */
export declare function inTurns<T>(steps: Iterator<void, T>): T | Promise<T>;
/** Goes through all steps at once. */
export declare function atOnce<T>(steps: Iterator<void, T>): T;
