import type { FrozenChunk } from './contributions.ts';
import type { Part } from './snapshot-parts.ts';
import type { FrozenSources } from './source-list.ts';
/** Both rings, each from the source silent for longest on. Notes in `places` at which place each comes. */
export declare function sourceParts(sources: FrozenSources, places: Int32Array): Generator<Part, void>;
/**
 * What sources have, source after source; what has no room in one part goes on in the next. Returns the number of
 * contributions.
 */
export declare function contributionParts(
  chunks: readonly FrozenChunk[],
  places: Int32Array,
): Generator<Part, number>;
