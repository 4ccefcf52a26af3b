/** The metric types of OpenMetrics: which samples each has, and as what it is aggregated. */
import type { MetricType } from '../../model/metric-type.ts';
import { LEFT_BRACE, SPACE } from '../../primitives/bytes.ts';

/** What a sample is to its family, told by what its name adds to the family's; bits, so that a type can hold several. */
export const Role = {
  NONE: 0,
  OWN: 1,
  TOTAL: 2,
  CREATED: 4,
  BUCKET: 8,
  SUM: 16,
  COUNT: 32,
  INFO: 64,
  /** Sum and count of a gauge histogram. */
  GSUM: 128,
  GCOUNT: 256,
} as const;

export interface FamilyType {
  readonly name: string;
  readonly roles: number;
  /** Type and name of the family that the samples go to. */
  readonly as: MetricType;
  readonly suffix: '' | '_total' | '_info';
  /** Names besides the family's own that no other family may have, nor its samples. */
  readonly claims: readonly string[];
  /** Whether samples that are known and not negative are good without another look. */
  readonly isPlain: boolean;
  /** Whether nobody but the decoder can tell which samples are of one metric. */
  readonly isTracked: boolean;
}

const unknownType: FamilyType = {
  name: 'unknown',
  roles: Role.OWN,
  as: 'untyped',
  suffix: '',
  claims: [],
  isPlain: true,
  isTracked: false,
};

export const familyTypes: ReadonlyMap<string, FamilyType> = new Map(
  [
    unknownType,
    { ...unknownType, name: 'gauge', as: 'gauge' as const },
    {
      name: 'counter',
      roles: Role.TOTAL | Role.CREATED,
      as: 'counter' as const,
      suffix: '_total' as const,
      claims: ['_total', '_created'],
      isPlain: true,
      isTracked: false,
    },
    {
      name: 'histogram',
      roles: Role.BUCKET | Role.SUM | Role.COUNT | Role.CREATED,
      as: 'histogram' as const,
      suffix: '' as const,
      claims: ['_bucket', '_sum', '_count', '_created'],
      isPlain: true,
      isTracked: false,
    },
    {
      name: 'summary',
      roles: Role.OWN | Role.SUM | Role.COUNT | Role.CREATED,
      as: 'summary' as const,
      suffix: '' as const,
      claims: ['_sum', '_count', '_created'],
      isPlain: true,
      isTracked: true,
    },
    {
      name: 'info',
      roles: Role.INFO,
      as: 'info' as const,
      suffix: '_info' as const,
      claims: ['_info'],
      isPlain: false,
      isTracked: false,
    },
    { ...unknownType, name: 'stateset', as: 'stateset' as const, isPlain: false, isTracked: true },
    {
      ...unknownType,
      name: 'gaugehistogram',
      roles: Role.BUCKET | Role.GSUM | Role.GCOUNT,
      as: 'gaugehistogram' as const,
      claims: ['_bucket', '_gsum', '_gcount'],
      isPlain: false,
    },
  ].map((type): [string, FamilyType] => [type.name, type]),
);

const typesAsBytes = [...familyTypes.values()].map((type) => ({ type, bytes: Buffer.from(type.name) }));

/** The type whose name the bytes from `start` to `end` are. */
export function typeAt(view: DataView, start: number, end: number): FamilyType | undefined {
  search: for (const { type, bytes } of typesAsBytes) {
    if (bytes.length !== end - start) continue;
    for (let i = 0; i < bytes.length; i += 1) {
      if (view.getUint8(start + i) !== bytes[i]) continue search;
    }
    return type;
  }
  return undefined;
}

export const UNDECLARED: FamilyType = { ...unknownType, isPlain: false };

/** A counter whose family was named as its samples are; lenient only. */
export const MISNAMED_COUNTER: FamilyType = {
  name: 'counter',
  roles: Role.OWN,
  as: 'counter',
  suffix: '',
  claims: [],
  isPlain: true,
  isTracked: false,
};

const roles: ReadonlyMap<string, number> = new Map([
  ['', Role.OWN],
  ['_total', Role.TOTAL],
  ['_created', Role.CREATED],
  ['_bucket', Role.BUCKET],
  ['_sum', Role.SUM],
  ['_count', Role.COUNT],
  ['_info', Role.INFO],
  ['_gsum', Role.GSUM],
  ['_gcount', Role.GCOUNT],
]);

/** The role that a suffix stands for, or `Role.NONE`. */
export function roleOf(suffix: string): number {
  return roles.get(suffix) ?? Role.NONE;
}

/** The suffix that the name ends in and that some type gives a meaning to. */
export function suffixOf(name: string): string | undefined {
  // Most names end in another letter than all of them do.
  if (!'dlmot'.includes(name.at(-1) ?? '')) return undefined;
  const at = name.lastIndexOf('_');
  if (at < 1) return undefined;
  const suffix = name.slice(at);
  return roles.has(suffix) ? suffix : undefined;
}

const SUFFIX_BYTES_MAX = 8;

/** The role of the bytes from `start` to the end of the sample's name, or `Role.NONE`. */
export function roleAt(view: DataView, start: number, end: number): number {
  let stop = start;
  const farthest = Math.min(end, start + SUFFIX_BYTES_MAX + 1);
  while (stop < farthest && view.getUint8(stop) !== LEFT_BRACE && view.getUint8(stop) !== SPACE) stop += 1;
  if (stop === end) return Role.NONE;
  const length = stop - start;
  if (length === 0) return Role.OWN;
  if (length < 4) return Role.NONE;
  // `_sum`, `_tot` and so on, as four bytes.
  switch (view.getUint32(start)) {
    case 0x5f73756d:
      return length === 4 ? Role.SUM : Role.NONE;
    case 0x5f746f74:
      return length === 6 && view.getUint16(start + 4) === 0x616c ? Role.TOTAL : Role.NONE;
    case 0x5f636f75:
      return length === 6 && view.getUint16(start + 4) === 0x6e74 ? Role.COUNT : Role.NONE;
    case 0x5f627563:
      return length === 7 && view.getUint32(start + 3) === 0x636b6574 ? Role.BUCKET : Role.NONE;
    case 0x5f637265:
      return length === 8 && view.getUint32(start + 4) === 0x61746564 ? Role.CREATED : Role.NONE;
    case 0x5f696e66:
      return length === 5 && view.getUint8(start + 4) === 0x6f ? Role.INFO : Role.NONE;
    case 0x5f677375:
      return length === 5 && view.getUint8(start + 4) === 0x6d ? Role.GSUM : Role.NONE;
    case 0x5f67636f:
      return length === 7 && view.getUint32(start + 3) === 0x6f756e74 ? Role.GCOUNT : Role.NONE;
    default:
      return Role.NONE;
  }
}
