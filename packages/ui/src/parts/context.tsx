import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

import type { Me, Overview } from '../lib/types.ts';

/** What all views know: who looks, and at what. */
export interface Known {
  readonly me: Me;
  readonly overview: Overview;
  /** Pushes go to it, without the host. */
  readonly pushPath: string;
}

export const KnownContext = createContext<Known | undefined>(undefined);

export function useKnown(): Known {
  const known = useContext(KnownContext);
  if (known === undefined) throw new Error('there is no view before these are known');
  return known;
}
