/** What recovery is given, and what it finds before anything in the folder is changed. */
import type { Catalog, CatalogFile } from './catalog.ts';
import type { Files } from './files.ts';
import type { StoreId } from './format.ts';
import type { RecoverySink } from './journal.ts';
import type { Replayed } from './replay.ts';
import type { Log } from '../primitives/log.ts';

export interface RecoverOptions {
  readonly folder: string;
  readonly files: Files;
  readonly log: Log;
  readonly onCorruption: 'fail' | 'quarantine';
  readonly readOnly: boolean;
  /** Of this process. */
  readonly writer: string;
  readonly sink: RecoverySink;
}

export interface ChosenSnapshots {
  /** Newest first. The first was verified, those after it were not read. */
  readonly whole: readonly CatalogFile[];
  readonly damaged: readonly { readonly file: CatalogFile; readonly why: string }[];
}

/** What the folder holds, as far as it can be read. */
export interface Findings {
  readonly catalog: Catalog;
  readonly snapshots: ChosenSnapshots;
  readonly replayed: Replayed;
  readonly storeId: StoreId;
}
