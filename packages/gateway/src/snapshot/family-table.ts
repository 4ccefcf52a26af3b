/** Families in snapshots. */
import { metricTypes } from '../model/metric-type.ts';
import type { Families, Family } from '../store/families.ts';
import type { Pace } from '../primitives/pace.ts';
import { broken, PART_BYTES, Tag } from './parts.ts';
import type { Part, PartReader } from './parts.ts';

const Flag = { DISCARDED: 1, START_TIMES: 2, QUOTED_NAMES: 4, HELP: 8, UNIT: 16 } as const;

/** All that a family may change, as it was; its name and id stay. */
export interface FrozenFamilies {
  readonly families: readonly Family[];
  readonly types: Uint8Array;
  readonly flags: Uint8Array;
  readonly helps: readonly (string | undefined)[];
  readonly units: readonly (string | undefined)[];
}

export function* freezeFamilies(all: Families, pace: Pace): Generator<void, FrozenFamilies> {
  const families: Family[] = [];
  const types = new Uint8Array(all.size);
  const flags = new Uint8Array(all.size);
  const helps: (string | undefined)[] = [];
  const units: (string | undefined)[] = [];
  for (const family of all) {
    types[families.length] = metricTypes.indexOf(family.type);
    flags[families.length] = flagsOf(family);
    families.push(family);
    helps.push(family.help);
    units.push(family.unit);
    if (pace.isFull(1)) yield;
  }
  return { families, types, flags, helps, units };
}

function flagsOf({ discarded, startTimeRows, quotedNames, help, unit }: Family): number {
  return (
    (discarded ? Flag.DISCARDED : 0) |
    (startTimeRows > 0 ? Flag.START_TIMES : 0) |
    (quotedNames ? Flag.QUOTED_NAMES : 0) |
    (help === undefined ? 0 : Flag.HELP) |
    (unit === undefined ? 0 : Flag.UNIT)
  );
}

export function* familyParts({
  families,
  types,
  flags,
  helps,
  units,
}: FrozenFamilies): Generator<Part, void> {
  for (let from = 0; from < families.length;) {
    const names: Buffer[] = [];
    const texts: Buffer[] = [];
    let bytes = 0;
    let to = from;
    for (; to < families.length; to += 1) {
      const name = Buffer.from(families[to]!.name);
      const help = Buffer.from(helps[to] ?? '');
      bytes += name.length + help.length + 14;
      if (bytes > PART_BYTES && to > from) break;
      names.push(name);
      texts.push(help);
    }
    yield {
      tag: Tag.FAMILIES,
      from,
      rows: to - from,
      columns: [
        Uint32Array.from(families.slice(from, to), ({ id }) => id),
        types.subarray(from, to),
        flags.subarray(from, to),
        Uint32Array.from(names, ({ length }) => length),
        Uint32Array.from(texts, ({ length }) => length),
        Buffer.concat([...names, ...texts]),
        ...unitColumns(units.slice(from, to)),
      ],
    };
    from = to;
  }
}

/** Units are rare; parts without any have no columns for them. */
function unitColumns(units: readonly (string | undefined)[]): readonly [Uint32Array, Uint8Array] | [] {
  if (units.every((unit) => unit === undefined)) return [];
  const texts = units.map((unit) => Buffer.from(unit ?? ''));
  return [Uint32Array.from(texts, ({ length }) => length), Buffer.concat(texts)];
}

function readUnits(part: PartReader): string[] {
  if (!part.hasMore) return [];
  const lengths = part.u32();
  const text = Buffer.from(part.bytes());
  let at = 0;
  return Array.from(lengths, (length) => {
    at += length;
    return text.toString('utf8', at - length, at);
  });
}

export function* readFamilies(
  part: PartReader,
  { families, pace }: { readonly families: Families; readonly pace: Pace },
): Generator<void, void> {
  const ids = part.u32();
  const types = part.u8();
  const flags = part.u8();
  const nameLengths = part.u32();
  const helpLengths = part.u32();
  const text = Buffer.from(part.bytes());
  const units = readUnits(part);
  let nameAt = 0;
  let helpAt = nameLengths.reduce((sum, length) => sum + length, 0);
  for (let row = 0; row < part.rows; row += 1) {
    if (pace.isFull(2)) yield;
    const name = text.toString('utf8', nameAt, nameAt + nameLengths[row]!);
    const help = text.toString('utf8', helpAt, helpAt + helpLengths[row]!);
    nameAt += nameLengths[row]!;
    helpAt += helpLengths[row]!;
    const id = ids[row]!;
    const type = metricTypes[types[row]!];
    if (type === undefined) throw broken(`a family of type ${types[row]}`);
    if (id >= families.byId.length || families.byId[id] !== undefined || families.find(name) !== undefined)
      throw broken(`a second family ${id}, ${name}`);
    const family = families.createAt(id, name, type);
    const flag = flags[row]!;
    families.setDiscarded(family, (flag & Flag.DISCARDED) !== 0);
    family.allStartTimes = (flag & Flag.START_TIMES) !== 0;
    family.quotedNames = (flag & Flag.QUOTED_NAMES) !== 0;
    families.describe(family, {
      help: (flag & Flag.HELP) === 0 ? undefined : help,
      unit: (flag & Flag.UNIT) === 0 ? undefined : units[row],
    });
  }
  if (helpAt !== text.length) throw broken('names and help texts of families are cut off');
}
