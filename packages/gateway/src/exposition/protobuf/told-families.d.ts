import type { ProtobufType } from './schema.ts';
export declare class ToldFamilies {
  #private;
  constructor(body: Uint8Array);
  /** Whether all families must be asked for by name. Until then the headers of all stand before their metrics. */
  get isByName(): boolean;
  /**
   * Notes the family of the message that begins at `start`; false when an earlier message told of it. Throws a PushProblem when that gave it
   * another type.
   */
  add(name: string, type: ProtobufType, start: number): boolean;
}
