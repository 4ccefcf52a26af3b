/** Flags as they are given on the command line and in the environment, before anybody asks what their values mean. */
import type { Flag, Option } from '../options/option.ts';
import { nearestName } from '../primitives/nearest.ts';
import { environmentName, flags, isSwitch } from './flags.ts';
import { foreignFlagAdvice } from './foreign-options.ts';

/** Texts by flag, of which all but repeatable ones have one. */
export type Given = Map<Flag, string[]>;

export type ValueOf = <T>(option: Option<T>) => T;

/** What is given, or the default where nothing is, or what cannot be read. */
export function valuesOf(given: Given, memoryBytes: number): ValueOf {
  return ({ flag, parse, defaultFor }) => {
    const texts = flag === undefined ? undefined : given.get(flag);
    const parsed = texts === undefined ? undefined : parse(texts, memoryBytes);
    return parsed !== undefined && 'value' in parsed ? parsed.value : defaultFor(memoryBytes);
  };
}

/** `words` takes what is no flag; without it there must be none. */
export function readCommandLine(
  argv: readonly string[],
  errors: string[],
  words?: string[],
): Given | 'help' | 'version' {
  const given: Given = new Map();
  for (let i = 0; i < argv.length; i += 1) {
    const argument = argv[i]!;
    const match = /^--?([^=]+)(?:=(.*))?$/s.exec(argument);
    if (match === null && words !== undefined) {
      words.push(argument);
      continue;
    }
    if (match === null) {
      errors.push(`unexpected argument ${JSON.stringify(argument)}; all settings are flags`);
      continue;
    }
    const name = match[1]!;
    if (name === 'help' || name === 'h') return 'help';
    if (name === 'version') return 'version';
    const flag = flagNamed(name);
    const negated = flag === undefined && name.startsWith('no-') ? flagNamed(name.slice(3)) : undefined;
    if (negated !== undefined && isSwitch(negated) && match[2] === undefined) {
      add(given, negated, 'false', errors);
    } else if (flag === undefined) {
      const advice = foreignFlagAdvice(name) ?? suggestion(name);
      errors.push(`unknown flag ${JSON.stringify(argument)}${advice}`);
      // What follows is most likely its value, and no error of its own.
      if (match[2] === undefined && argv[i + 1]?.startsWith('-') === false) i += 1;
    } else if (match[2] !== undefined) {
      add(given, flag, match[2], errors);
    } else if (isSwitch(flag)) {
      add(given, flag, 'true', errors);
    } else if (i + 1 < argv.length) {
      i += 1;
      add(given, flag, argv[i]!, errors);
    } else {
      errors.push(`--${flag.name}: a value is missing; write --${flag.name}=${flag.default}`);
    }
  }
  return given;
}

function add(given: Given, flag: Flag, text: string, errors: string[]): void {
  const before = given.get(flag);
  if (before === undefined) given.set(flag, [text]);
  else if (flag.repeatable) before.push(text);
  else errors.push(`--${flag.name}: given twice`);
}

export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Given {
  const given: Given = new Map();
  for (const flag of flags) {
    const text = env[environmentName(flag)];
    // Set to nothing is how a deployment leaves a variable out.
    if (text === undefined || text === '') continue;
    given.set(flag, flag.repeatable ? text.split(',').map((part) => part.trim()) : [text]);
  }
  return given;
}

function flagNamed(name: string): Flag | undefined {
  return flags.find((flag) => flag.name === name || flag.alias === name);
}

function suggestion(name: string): string {
  const names = flags.flatMap((flag) => (flag.alias === undefined ? [flag.name] : [flag.name, flag.alias]));
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `; did you mean --${nearest}?`;
}
