/**
 * One row for each option, in a typed table beside the interface that the option is a field of: `options.ts` in `http`, `gateway`, `journal`
 * and `config`. Everything else is made from the rows: flags, names in the environment, defaults, help, docs/reference/flags.md, what
 * embedders may give, and the own metric of limits. To add an option, copy a row of the same kind (`kinds.ts`).
 */
import type { Share } from './share.ts';

/** A row for each field: the compiler tells when one is missing, left over, or of another type. */
export type OptionTable<Options> = {
  readonly [Field in keyof Options]: Option<Options[Field]>;
};

/** A row, as it is used. */
export interface Option<T> {
  /** Undefined for an option that only embedders have. */
  readonly flag: Flag | undefined;
  /** Undefined where the default is the same with any memory. */
  readonly share: Share | undefined;
  /** The label `of` by which the own metric `limit` shows it. */
  readonly limitOf: string | undefined;
  /** Whether it does nothing in add mode, so that setting it there is a mistake. */
  readonly onlyByJob: boolean;
  /** `memoryBytes` is what there is to plan with. */
  readonly defaultFor: (memoryBytes: number) => T;
  /** What the command line or the environment gives. Several texts are for repeatable flags only. */
  readonly parse: (texts: readonly string[], memoryBytes: number) => ParsedTexts<T>;
  /** What is wrong with a value that an embedder gives, as it follows the name: `is 5; it must be a boolean`. */
  readonly problemWith: (value: unknown) => string | undefined;
}

export type ParsedTexts<T> = { readonly value: T } | { readonly problems: readonly string[] };

/** Groups of flags, in the order of the help, with their headings. */
export const flagGroups = {
  web: 'Web',
  config: 'Configuration file',
  job: 'By-job mode',
  push: 'Pushes',
  series: 'Series',
  scrape: 'Scrapes',
  storage: 'Storage',
  cluster: 'Cluster',
  limit: 'Limits (a push that exceeds one is refused as a whole, unless stated otherwise)',
  log: 'Logging',
} as const;

/** Begins with its group; those of by-job mode have the names of the original, without a dot. */
export type FlagName = `${Exclude<keyof typeof flagGroups, 'job'>}.${string}` | `job-${string}` | 'by-job';

export interface Flag {
  readonly name: FlagName;
  /** A key of `flagGroups`. */
  readonly group: string;
  /** The name in weaveworks' and technicianted's gateways. */
  readonly alias: string | undefined;
  /** What the help shows for the value; undefined for a flag that is on or off. */
  readonly placeholder: string | undefined;
  readonly repeatable: boolean;
  /** As it would be written on the command line. */
  readonly default: string;
  readonly help: string;
}

/** Makes options from their table, each field with `read`. */
export function readTable<Options extends object>(
  table: OptionTable<Options>,
  read: <Field extends keyof Options>(option: Option<Options[Field]>, field: Field) => Options[Field],
): Options {
  const options: Partial<Options> = {};
  for (const field of fieldsOf(table)) options[field] = read(table[field], field);
  // A table has a row for each field.
  return options as Options;
}

/** Undefined fields are as if left out. Without `memoryBytes`: defaults with so much memory that no share of it decides. */
export function withDefaults<Options extends object>(
  table: OptionTable<Options>,
  given: Partial<Options> = {},
  memoryBytes: number = Number.MAX_SAFE_INTEGER,
): Options {
  return readTable(table, (option, field) => given[field] ?? option.defaultFor(memoryBytes));
}

/** The limits among the options, by the label `of` of the own metric `limit`. */
export function limitsIn<Options extends object>(
  table: OptionTable<Options>,
  options: Options,
): Readonly<Record<string, number>> {
  const limits: Record<string, number> = {};
  for (const field of fieldsOf(table)) {
    const { limitOf } = table[field];
    const limit = options[field];
    if (limitOf !== undefined && typeof limit === 'number') limits[limitOf] = limit;
  }
  return limits;
}

function fieldsOf<Options extends object>(table: OptionTable<Options>): readonly (keyof Options)[] {
  return Object.keys(table) as (keyof Options)[];
}
