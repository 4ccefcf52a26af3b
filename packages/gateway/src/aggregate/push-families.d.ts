import type { MetricType } from '../model/metric-type.ts';
import type { Batch, PushFamily } from './batch.ts';
import type { Families, Family } from './families.ts';
export type SampleRole = 'own' | '_bucket' | '_sum' | '_count';
export interface Route {
  readonly family: PushFamily;
  readonly role: SampleRole;
}
export declare class PushFamilies {
  #private;
  /** True when lines that the state knows may mean something else in this push. */
  meaningsChanged: boolean;
  constructor(families: Families, batch: Batch);
  begin(serial: number): void;
  /** Call before serials begin anew. */
  forgetStamps(): void;
  /** A TYPE line seen before, which said what the state says. */
  typeKnown(id: number, offset: number): void;
  helpKnown(id: number, offset: number): void;
  headerKnown(id: number, offset: number): void;
  sampleKnown(id: number): void;
  addType(name: string, type: MetricType, offset: number): PushFamily;
  addHelp(name: string, help: string, offset: number): PushFamily;
  /** The family that a sample of this name belongs to, in this push. */
  route(name: string, offset: number): Route;
  /** The place in Batch.families of a family that has samples in this push. */
  indexOf(name: string, offset: number): number;
  /** What a known family is once the push is applied. */
  typeOf({ name, type }: Family): MetricType;
  addUnit(name: string, unit: string): void;
  /** Looks at the push as a whole: refuses claims on one sample name by two families, and finds start times. */
  finish(): void;
}
