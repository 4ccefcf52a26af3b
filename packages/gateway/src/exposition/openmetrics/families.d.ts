import type { SampleSink } from '../../model/sample-sink.ts';
import type { FamilyType } from './family-types.ts';
export declare class FamilyReader {
  #private;
  name: string;
  /** Where the name stands in the body; of length 0 when it cannot be compared byte by byte. */
  nameStart: number;
  nameLength: number;
  type: FamilyType;
  isTyped: boolean;
  /** Whether there are lines of which the sink does not know yet. */
  isOpen: boolean;
  isSampled: boolean;
  constructor(body: Uint8Array, view: DataView, sink: SampleSink, isStrict: boolean);
  /** Reads a line that begins with a hash and is not `# EOF`. */
  readMetadata(start: number, end: number): void;
  /** Ends the metadata of the family, of which a sample comes next or nothing more. */
  close(): void;
  /** What the sink calls a sample of the family at hand whose name it knows otherwise. */
  toldName(name: string, role: number): string;
  /** The role of a sample of this name in the family at hand; 0 when it is not of this family. */
  roleOf(name: string): number;
  /** Begins the family of a sample that no line has declared. */
  beginUndeclared(name: string, start: number, isBare: boolean): void;
}
