/** Notes in a batch what spellings lead to, for the state to learn them with the push. */
import type { Spelling } from '../model/sample-sink.ts';
import type { Batch, metadataKinds, PushFamily } from './batch.ts';
import type { TextAt } from './cells.ts';
export type AliasTarget =
  | {
      readonly target: number;
    }
  | {
      readonly family: PushFamily;
      readonly what: (typeof metadataKinds)[number];
    };
export declare function remember(
  batch: Batch,
  spelling: Spelling,
  alias: AliasTarget,
  hasPathLabels: boolean,
): void;
/** Whether the sender wrote the canonical text itself. */
export declare function isSpelled(body: DataView, { start, end, key }: Spelling, text: TextAt): boolean;
