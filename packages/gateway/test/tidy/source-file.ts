/** Files of TypeScript, as far as the checks look into them. They read formatted text; they are no parser. */
import { dirname, join } from 'node:path/posix';

export interface SourceFile {
  /** Relative to src/, such as `http/routes/push.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written, such as `../model/errors.ts` or `node:fs`. */
  readonly specifier: string;
  /** The path of the file, as in SourceFile.path; undefined for packages. */
  readonly target: string | undefined;
  /** As the other file calls them; `*` for all of them. */
  readonly names: readonly string[];
}

const statement = /^(?:import|export)\s(?:([\w\s{},*$]*)\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'/gm;

/** Types included: whoever reads a file reads those as well. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  return [...text.matchAll(statement)].map(([, clause, from, dynamic]) => {
    const specifier = from ?? dynamic ?? '';
    const target = specifier.startsWith('.') ? join(dirname(path), specifier) : undefined;
    return { specifier, target, names: dynamic === undefined ? namesOf(clause ?? '') : ['*'] };
  });
}

function namesOf(clause: string): readonly string[] {
  return clause
    .replace(/^type\s/, '')
    .replaceAll(/[{}]/g, ',')
    .split(',')
    .map((name) => name.trim().replace(/^type\s+/, ''))
    .map((name) => name.split(/\s+as\s+/)[0] ?? '')
    .filter((name) => name !== '');
}

const exported =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|const|let|enum)\s+(\w+)/gm;

/** Names that a file exports where it declares them. */
export function exportsOf({ text }: SourceFile): readonly string[] {
  return [...new Set([...text.matchAll(exported)].map((match) => match[1] ?? ''))];
}
