import type { PageView } from '../model/page-view.ts';
import type { State } from './state.ts';
/** Copies what changes, in steps, during which nobody may change the state. */
export declare function openView(
  state: State,
  zeroAfter: number,
  onClose: () => void,
): Generator<void, PageView>;
