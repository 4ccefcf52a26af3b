import type { MetricType } from './metric-type.ts';
import type { FamilyView, SeriesVisitor } from './read-view.ts';

/** A family that is shown in another way: as the original in all that a subclass does not say. */
export abstract class DecoratedFamily implements FamilyView {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly quotedNames: boolean;
  readonly hasNative: boolean;
  readonly startTimes: boolean;
  readonly once: boolean;
  readonly identity: object;
  readonly version: number;
  protected readonly original: FamilyView;

  constructor(original: FamilyView) {
    this.name = original.name;
    this.type = original.type;
    this.help = original.help;
    this.unit = original.unit;
    this.quotedNames = original.quotedNames;
    this.hasNative = original.hasNative;
    this.startTimes = original.startTimes;
    this.once = original.once;
    this.identity = original.identity;
    this.version = original.version;
    this.original = original;
  }

  /** That of the original may be known only when it is sorted. */
  get rowCount(): number {
    return this.original.rowCount;
  }

  sort(): Iterable<void> {
    return this.original.sort();
  }

  visit(from: number, to: number, visitor: SeriesVisitor): void {
    this.original.visit(from, to, visitor);
  }
}
