import type { FamilyView } from '../../model/page-view.ts';
import type { FamilyWriter } from '../family-writer.ts';
import type { PageWriter } from '../page-writer.ts';
export declare const textContentType = 'text/plain; version=0.0.4; charset=utf-8';
export declare class TextWriter implements FamilyWriter {
  #private;
  constructor(page: PageWriter);
  begin(family: FamilyView): void;
  rows(family: FamilyView, from: number, to: number): void;
  end(): void;
  finish(): void;
}
