/** The families of a push as it names them, before any rule: what its lines may say of them, and which of them a sample is of. */
import type { MetricType } from '../../model/metric-type.ts';
import { sampleSuffixes } from '../../store/families.ts';
import { lateType, secondLine } from '../family-problems.ts';

export type Role = '' | '_bucket' | '_sum' | '_count' | 'quantile';

const suffixes = ['_bucket', '_sum', '_count'] as const;

export interface PushedFamily {
  readonly name: string;
  /** Undefined where the push does not say it. */
  type: MetricType | undefined;
  isTyped: boolean;
  isSampled: boolean;
  help: string | undefined;
  unit: string | undefined;
  /** Of the line that declares it. */
  offset: number;
  /** Of a histogram or summary: what it is called by the first of its samples that no rule drops, and that sample. */
  becomes: { readonly name: string; readonly series: string } | undefined;
  /** By bound: what it becomes. */
  readonly bounds: Map<number, number>;
}

interface Route {
  /** Of the sample. */
  readonly name: string;
  readonly family: PushedFamily;
  readonly role: Role;
}

export class PushedFamilies {
  readonly #byName = new Map<string, PushedFamily>();
  /** That of the sample before, as many have one name; undefined when it may be another now. */
  #last: Route | undefined;

  clear(): void {
    this.#last = undefined;
    if (this.#byName.size > 0) this.#byName.clear();
  }

  addType(name: string, type: MetricType, offset: number): void {
    this.#last = undefined;
    const family = this.#declared(name, offset);
    if (family.isTyped) throw secondLine('TYPE', name, offset);
    const isLate =
      family.isSampled ||
      sampleSuffixes(type).some((suffix) => {
        const own = this.#byName.get(name + suffix);
        return own?.isSampled === true && !own.isTyped;
      });
    if (isLate) throw lateType(name, offset);
    family.isTyped = true;
    family.type = type === 'untyped' ? undefined : type;
    family.offset = offset;
  }

  addHelp(name: string, help: string, offset: number): void {
    const family = this.#declared(name, offset);
    if (family.help !== undefined) throw secondLine('HELP', name, offset);
    family.help = help;
  }

  /** Families of which the push has metadata and no samples. */
  *withoutSamples(): Generator<PushedFamily> {
    for (const [key, family] of this.#byName) if (!family.isSampled && key === family.name) yield family;
  }

  addUnit(name: string, unit: string): void {
    this.#declared(name, 0).unit ??= unit;
  }

  /** The family that a sample is of, and which of its samples it is. */
  route(name: string, offset: number): Route {
    if (this.#last?.name === name) return this.#last;
    const { family, role } = this.#routeOf(name, offset);
    this.#last = { name, family, role };
    return this.#last;
  }

  #routeOf(name: string, offset: number): Omit<Route, 'name'> {
    const exact = this.#byName.get(name);
    if (exact?.type === undefined)
      for (const suffix of suffixes) {
        if (!name.endsWith(suffix)) continue;
        const base = this.#byName.get(name.slice(0, -suffix.length));
        if (base?.type !== undefined && sampleSuffixes(base.type).includes(suffix))
          return { family: base, role: suffix };
      }
    const family = exact ?? this.#declared(name, offset);
    return { family, role: family.type === 'summary' ? 'quantile' : '' };
  }

  /** A histogram or summary that only the state knows, of which the push has samples. */
  undeclared(name: string, offset: number): PushedFamily {
    return this.#declared(`\n${name}`, offset, name);
  }

  #declared(key: string, offset: number, name = key): PushedFamily {
    let family = this.#byName.get(key);
    if (family !== undefined) return family;
    family = {
      name,
      type: undefined,
      isTyped: false,
      isSampled: false,
      help: undefined,
      unit: undefined,
      offset,
      becomes: undefined,
      bounds: new Map(),
    };
    this.#byName.set(key, family);
    return family;
  }
}

/** The part that a sample is of a family that the state knows; undefined where the name is not one of its samples'. */
export function partOf(
  name: string,
  typeOf: (name: string) => MetricType | undefined,
): { readonly base: string; readonly role: Role } | undefined {
  const own = typeOf(name);
  if (own === 'summary') return { base: name, role: 'quantile' };
  if (own !== undefined && own !== 'untyped') return undefined;
  for (const suffix of suffixes) {
    if (!name.endsWith(suffix) || name.length === suffix.length) continue;
    const base = name.slice(0, -suffix.length);
    const type = typeOf(base);
    if (type !== undefined && sampleSuffixes(type).includes(suffix)) return { base, role: suffix };
  }
  return undefined;
}
