/**
 * What a push's plain series have in common with those just before them: names, bounds and the labels of one histogram come
 * again and again, so they are compared as bytes and told in words once.
 */
import type { PlainSeries } from '../model/sample-sink.ts';
import type { PushFamily } from './batch.ts';
import type { PushFamilies, Route } from './push-families.ts';
export declare class PlainReader {
  #private;
  constructor(families: PushFamilies);
  /** Forgets the body. Also to be called when a TYPE line may have given names another meaning. */
  begin(): void;
  /** The family that the series belongs to; counts as a sample of it. */
  route(view: DataView, series: PlainSeries): Route;
  /** The upper bound that stands between the quotes, or NaN when it is not spelled the canonical way. */
  bound(view: DataView, start: number, end: number): number;
  /** The histogram that the previous bucket belonged to, if this family and these labels are its own too. */
  sameGroup(family: PushFamily, view: DataView, start: number, end: number): number | undefined;
  rememberGroup(family: PushFamily, start: number, end: number, id: number): void;
}
/** ASCII bytes as text. */
export declare function textAt(view: DataView, start: number, end: number): string;
