/** Which folder may import which, and files that lead back to themselves. */
import { dirname } from 'node:path/posix';

import type { SourceFile } from './source-file.ts';
import { importsOf } from './source-file.ts';

/**
 * By folder, or by file where one stands apart from its folder: what it may import besides itself. `.` is what lies in no folder. A row for
 * `http` is about `http/bodies/` as well, unless that has one of its own.
 */
export type Layers = Readonly<Record<string, readonly string[]>>;

/** The most particular row that a path falls under; undefined where there is none. */
export function layerOf(path: string, layers: Layers): string | undefined {
  if (path in layers) return path;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (folder in layers) return folder;
    if (folder === '.') return undefined;
  }
}

/** Files of folders that no row speaks of, or of no folder where there is a row for those. */
export function unknownLayers(files: readonly SourceFile[], layers: Layers): readonly string[] {
  return files
    .map(({ path }) => path)
    .filter((path) => {
      const layer = layerOf(path, layers);
      return layer === undefined || (layer === '.' && path.includes('/'));
    });
}

/** `from imports to`, once for each two files. */
export function upwardImports(files: readonly SourceFile[], layers: Layers): readonly string[] {
  const wrong = files.flatMap((file) => {
    const layer = layerOf(file.path, layers) ?? '.';
    return importsOf(file).flatMap(({ target }) => {
      if (target === undefined) return [];
      const other = layerOf(target, layers) ?? '.';
      const isAllowed = other === layer || layers[layer]?.includes(other) === true;
      return isAllowed ? [] : [`${file.path} imports ${target}`];
    });
  });
  return [...new Set(wrong)];
}

/** Rows that name each other, by whatever way around: no layer would be the lower one. */
export function circlesOfLayers(layers: Layers): readonly (readonly string[])[] {
  return circlesIn(new Map(Object.entries(layers)));
}

/** Files that import each other, by whatever way around: of each such circle all files. */
export function circlesOfFiles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  return circlesIn(
    new Map(files.map((file) => [file.path, importsOf(file).flatMap(({ target }) => target ?? [])])),
  );
}

/** By Tarjan: what is reached from itself. All in the order of the alphabet. */
function circlesIn(arrows: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    let low = order.get(node)!;
    open.push(node);
    for (const next of arrows.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (open.includes(next)) low = Math.min(low, lowest.get(next) ?? order.get(next)!);
    }
    lowest.set(node, low);
    if (low !== order.get(node)) return;
    const circle = open.splice(open.indexOf(node));
    if (circle.length > 1 || arrows.get(node)?.includes(node) === true) found.push(circle.sort());
  };
  for (const node of arrows.keys()) if (!order.has(node)) visit(node);
  return found.sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}
