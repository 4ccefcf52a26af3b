/** Mappings of a configuration file: each key has a row that says what it is, and everything else is made from the rows. */
import { isMap, isScalar } from 'yaml';
import type { Pair, YAMLMap } from 'yaml';

import { quote } from '../../primitives/quote.ts';
import type { FileReader } from './file-reader.ts';
import { didYouMean, list, textOf, wrongType } from './kinds.ts';
import type { JsonSchema, Located, ValueKind } from './kinds.ts';
import type { Place } from './problems.ts';

/** What a key of a mapping means. */
export interface Key<T> {
  readonly kind: ValueKind<T>;
  /** For the reference and the schema; a whole sentence. */
  readonly doc: string;
  /** What holds where it is left out, as it would be written. */
  readonly default?: string;
  /** As YAML. */
  readonly example: string;
}

export interface Table<Fields> {
  /** What messages call such a mapping, with its article. */
  readonly name: string;
  readonly keys: { readonly [Name in keyof Fields]: Key<Fields[Name]> };
  /** What the schema says beside the keys. */
  readonly schema?: JsonSchema;
}

/** A mapping that was read. */
export interface Entry<Fields> {
  readonly at: Place;
  /** Without those that are wrong. */
  readonly keys: { readonly [Name in keyof Fields]?: LocatedKey<Fields[Name]> };
  /** Nothing in it is wrong so far. */
  readonly isWhole: boolean;
}

interface LocatedKey<T> extends Located<T> {
  readonly keyAt: Place;
}

export function entry<Fields extends object>(table: Table<Fields>): ValueKind<Entry<Fields>> {
  const wanted = 'a mapping';
  return {
    wanted,
    schema: schemaOf(table),
    *read(value, reader) {
      const { node } = value;
      if (!isMap(node)) {
        reader.problems.error(value.at, wrongType(value, wanted));
        return undefined;
      }
      // A step of its own, as what is in it may take as long as a step does.
      yield;
      return yield* readEntry(node, value.at, { table, reader });
    },
  };
}

export function entries<Fields extends object>(
  table: Table<Fields>,
): ValueKind<readonly Located<Entry<Fields>>[]> {
  return list(entry(table), { of: table.name, wanted: 'a list of entries' });
}

/** A mapping whose keys are free, such as names of users. None may be empty. */
export function named<T>(
  each: ValueKind<T>,
  { of, wanted }: { readonly of: string; readonly wanted: string },
): ValueKind<readonly (Located<T> & { readonly name: string })[]> {
  return {
    wanted,
    schema: { type: 'object', additionalProperties: each.schema },
    *read(value, reader) {
      const { node } = value;
      if (!isMap(node)) {
        reader.problems.error(value.at, wrongType(value, wanted));
        return undefined;
      }
      const found: (Located<T> & { readonly name: string })[] = [];
      const seen = new Map<string, Place>();
      for (const pair of node.items) {
        const key = nameOf(pair, value.at, reader);
        if (key === undefined || isRepeated(key, seen, reader)) continue;
        const one = reader.value(`${of} ${quote(key.value)}`, pair.value, key.at);
        if (one === undefined) break;
        const read = yield* each.read(one, reader);
        if (read !== undefined) found.push({ name: key.value, value: read, at: one.at });
      }
      return found;
    },
  };
}

function* readEntry<Fields extends object>(
  node: YAMLMap,
  at: Place,
  { table, reader }: { readonly table: Table<Fields>; readonly reader: FileReader },
): Generator<void, Entry<Fields>> {
  const keys: { [Name in keyof Fields]?: LocatedKey<Fields[Name]> } = {};
  const seen = new Map<string, Place>();
  const { errors } = reader.problems;
  for (const pair of node.items) {
    const named = nameOf(pair, at, reader);
    const name = named === undefined ? undefined : knownName(named, { table, seen, reader });
    if (named === undefined || name === undefined) continue;
    const value = reader.value(name as string, pair.value, named.at);
    if (value === undefined) break;
    const read = yield* table.keys[name].kind.read(value, reader);
    if (read !== undefined) keys[name] = { value: read, at: value.at, keyAt: named.at };
  }
  return { at, keys, isWhole: reader.problems.errors === errors };
}

function nameOf({ key }: Pair, around: Place, reader: FileReader): Located<string> | undefined {
  const value = reader.value('a key', key, around);
  if (value === undefined) return undefined;
  const { node, at } = value;
  const text = isScalar(node) ? textOf(node) : undefined;
  if (text !== undefined) return { value: text, at };
  reader.problems.error(at, wrongType(value, 'a word'));
  return undefined;
}

function isRepeated(
  { value: name, at }: Located<string>,
  seen: Map<string, Place>,
  { problems }: FileReader,
): boolean {
  const first = seen.get(name);
  if (first === undefined) seen.set(name, at);
  else problems.error(at, `${quote(name)} is already in line ${problems.lineOf(first)} of the same mapping`);
  return first !== undefined;
}

/** Notes what is wrong with a key. */
function knownName<Fields>(
  key: Located<string>,
  {
    table,
    seen,
    reader,
  }: {
    readonly table: Table<Fields>;
    readonly seen: Map<string, Place>;
    readonly reader: FileReader;
  },
): keyof Fields | undefined {
  if (isRepeated(key, seen, reader)) return undefined;
  const { problems } = reader;
  const { value: name, at } = key;
  if (Object.hasOwn(table.keys, name)) return name as keyof Fields;
  const known = Object.keys(table.keys);
  const advice = didYouMean(name, known) || `; ${table.name} has ${known.join(', ')}`;
  problems.error(at, `unknown key ${quote(name)}${advice}`);
  return undefined;
}

function schemaOf<Fields extends object>({ keys, schema }: Table<Fields>): JsonSchema {
  const properties = Object.entries<Key<unknown>>(keys).map(([name, { kind, doc }]) => [
    name,
    { description: doc, ...kind.schema },
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
    ...schema,
  };
}
