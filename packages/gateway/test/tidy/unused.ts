/** Files that nobody imports, and exports that nobody uses. Tests are no users: what only they need is no part of the program. */
import type { SourceFile } from './source-file.ts';
import { exportsOf, importsOf } from './source-file.ts';

export function filesNobodyImports(files: readonly SourceFile[]): readonly string[] {
  const imported = new Set(
    files.flatMap((file) =>
      importsOf(file).flatMap(({ target }) => (target === file.path ? [] : (target ?? []))),
    ),
  );
  return files.map(({ path }) => path).filter((path) => !imported.has(path));
}

/** `path name`, of what no other file and none of `users` imports. The exports of files in `entries` are for others than us. */
export function exportsNobodyUses(
  files: readonly SourceFile[],
  users: readonly SourceFile[],
  entries: readonly string[],
): readonly string[] {
  const used = new Set(
    [...files, ...users].flatMap((file) =>
      importsOf(file).flatMap(({ target, names }) =>
        target === undefined || target === file.path ? [] : names.map((name) => `${target} ${name}`),
      ),
    ),
  );
  return files
    .filter(({ path }) => !entries.includes(path) && ![...used].some((each) => each.startsWith(`${path} *`)))
    .flatMap((file) =>
      exportsOf(file)
        .map((name) => `${file.path} ${name}`)
        .filter((each) => !used.has(each)),
    );
}
