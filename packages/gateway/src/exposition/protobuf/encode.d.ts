import type { EscapingScheme } from '../../model/page-format.ts';
import type { FamilyView } from '../../model/page-view.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { PageWriter } from '../page-writer.ts';
export declare class ProtobufWriter implements FamilyWriter {
  #private;
  /** Labels of exemplars are not escaped yet. */
  constructor(page: PageWriter, escaping: EscapingScheme);
  begin({ name, help, type, unit }: FamilyView): void;
  rows(family: FamilyView, from: number, to: number): void;
  end(): void;
  finish(): void;
}
