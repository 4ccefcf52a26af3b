/** What is seen in lines alone: how long files and functions are, and what a line may not have. */
import type { SourceFile } from './source-file.ts';

export const exportWithoutName = /^export (?:\*|default\b)/;
export const escapeFromTypes =
  /(?::|\bas|<|,|\|)\s*any\b(?=\s*[;,)>[\]=|&{]|$)|@ts-(?:ignore|expect-error|nocheck)/;

/** `path:line what`, for each line that the pattern matches. */
export function linesWith(files: readonly SourceFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
  );
}

export function longFiles(files: readonly SourceFile[], linesMax: number): readonly string[] {
  return files.flatMap(({ path, text }) => {
    // The last piece of the split is what follows the last newline: nothing.
    const lines = text.split('\n').length - 1;
    return lines > linesMax ? [`${path} has ${lines} lines`] : [];
  });
}

/** A function runs from the line that opens its body to the line, equally indented, that closes it. */
export function longFunctions(files: readonly SourceFile[], linesMax: number): readonly string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n');
    return lines.flatMap((line, start) => {
      if (!line.endsWith('{') || !opensFunction(lines, start)) return [];
      const indent = indentOf(line);
      const end = lines.findIndex(
        (other, i) => i > start && indentOf(other) === indent && /^\s*\}/.test(other),
      );
      const length = end - start + 1;
      return length > linesMax ? [`${path}:${start + 1} ${line.trim()} has ${length} lines`] : [];
    });
  });
}

function opensFunction(lines: readonly string[], at: number): boolean {
  const line = lines[at]?.trim() ?? '';
  if (line.endsWith('=> {')) return true;
  if (!/\)(?:: .+)? \{$/.test(line)) return false;
  let head = line;
  if (line.startsWith(')')) {
    const indent = indentOf(lines[at] ?? '');
    const before = lines.slice(0, at).findLast((other) => other.trim() !== '' && indentOf(other) <= indent);
    head = before?.trim() ?? '';
  }
  return !/^(?:\} else )?(?:\w+: )?(?:if|for|while|switch|catch|\} catch|with)\b/.test(head);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
