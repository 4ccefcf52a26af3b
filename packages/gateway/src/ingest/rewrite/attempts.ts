/** A cheaper way to read pushes that does not always lead anywhere: of paths where it has failed, it is tried less and less often. */
import type { Rules } from '../../rules/rules.ts';
import { PATH_CHARS_MAX } from './push-rules.ts';

/** Then all are tried anew. */
const PATHS_MAX = 10_000;
/** Pushes of a path that are not tried after as many failures. */
const PAUSE_MAX = 63;

interface Pause {
  readonly pushes: number;
  left: number;
}

export class Attempts {
  #of: Rules | undefined;
  readonly #pauses = new Map<string, Pause>();

  /** Whether to try with a push of this path. */
  mayTry(rules: Rules, path: string): boolean {
    if (this.#of !== rules) {
      this.#of = rules;
      this.#pauses.clear();
    }
    const pause = this.#pauses.get(path);
    if (pause === undefined || pause.left === 0) return true;
    pause.left -= 1;
    return false;
  }

  tried(path: string, isDone: boolean): void {
    if (path.length > PATH_CHARS_MAX) return;
    if (isDone) {
      if (this.#pauses.size > 0) this.#pauses.delete(path);
      return;
    }
    if (this.#pauses.size >= PATHS_MAX) this.#pauses.clear();
    const pushes = Math.min((this.#pauses.get(path)?.pushes ?? 0) * 2 + 1, PAUSE_MAX);
    this.#pauses.set(path, { pushes, left: pushes });
  }
}
