import type { Alias, Node } from 'yaml';
import { isAlias, isNode } from 'yaml';

import type { Place, Problems } from './problems.ts';

/** A value as it is in the file, with what messages call it. */
export interface FileValue {
  readonly name: string;
  readonly node: Node | undefined;
  readonly at: Place;
}

/** Read, aliases followed: a few lines can stand for any number of values. */
const VALUES_MAX = 100_000;

/** What is at hand while the values of a file are read. */
export class FileReader {
  readonly text: string;
  readonly problems: Problems;
  readonly #targets: ReadonlyMap<Alias, Node>;
  #values = 0;

  constructor(text: string, problems: Problems, targets: ReadonlyMap<Alias, Node>) {
    this.text = text;
    this.problems = problems;
    this.#targets = targets;
  }

  /** A node as a value; `around` is where it would be if it were there. Undefined where aliases make too much of the file. */
  value(name: string, node: unknown, around: Place): FileValue | undefined {
    this.#values += 1;
    if (this.#values > VALUES_MAX) {
      if (this.#values === VALUES_MAX + 1) {
        this.problems.error(around, `with its aliases the file has more than ${VALUES_MAX} values`);
      }
      return undefined;
    }
    const target = isAlias(node) ? this.#targets.get(node) : isNode(node) ? node : undefined;
    return { name, node: target, at: placeOf(target) ?? placeOf(node) ?? around };
  }
}

function placeOf(node: unknown): Place | undefined {
  const range = isNode(node) ? node.range : undefined;
  return range ? { from: range[0], to: range[1] } : undefined;
}
