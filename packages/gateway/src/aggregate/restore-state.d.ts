import type { State } from './state.ts';
/**
 * Fills a state that nothing has happened to from the parts of a snapshot, in their order. When it throws, the state is half
 * done and must be thrown away. Yields to the event loop every few milliseconds; nobody may use the state meanwhile.
 */
export declare function restoreState(parts: AsyncIterable<Uint8Array>, state: State): Promise<void>;
