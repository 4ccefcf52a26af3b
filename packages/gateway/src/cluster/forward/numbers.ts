/** The numbers by which what this member passes on counts once: see store/forwarded.ts. */
import { FORWARDED_WINDOW } from '../../store/forwarded.ts';
import type { ForwardedKey } from '../../store/forwarded.ts';

/** Of something that is passed on, however often that has to be tried. */
export type Numbered = Pick<ForwardedKey, 'incarnation' | 'number'>;

export class Numbers {
  readonly #member: string;
  #incarnation: number;
  #next = 0;
  /** Those that are waited for, and a number that none of them is below. */
  readonly #waitedFor = new Set<number>();
  #lowest = 0;
  /** Whether the leader has taken something of this incarnation. */
  #isKnown = false;

  constructor(member: string, incarnation: number) {
    this.#member = member;
    this.#incarnation = incarnation;
  }

  /** Undefined where too many have come since the oldest that is waited for. */
  take(): Numbered | undefined {
    if (this.#next - this.#below >= FORWARDED_WINDOW) return undefined;
    const number = this.#next;
    this.#next += 1;
    this.#waitedFor.add(number);
    return { incarnation: this.#incarnation, number };
  }

  keyOf({ incarnation, number }: Numbered): ForwardedKey {
    const below = incarnation === this.#incarnation ? Math.min(this.#below, number) : number;
    return { member: this.#member, incarnation, number, below };
  }

  /** A leader has looked at it, and found no later incarnation. */
  taken({ incarnation }: Numbered): void {
    if (incarnation === this.#incarnation) this.#isKnown = true;
  }

  /** Nobody waits for it any more, and it is not tried again. */
  settle({ incarnation, number }: Numbered): void {
    if (incarnation === this.#incarnation) this.#waitedFor.delete(number);
  }

  /**
   * The leader knows a later incarnation. Where that was before this process, whose clock is behind, it begins one later than that; false where
   * it came later, so that another process has the name of this member.
   */
  replacedBy(known: number): boolean {
    if (known < this.#incarnation) return true;
    if (this.#isKnown) return false;
    this.#incarnation = known + 1;
    this.#next = 0;
    this.#lowest = 0;
    this.#waitedFor.clear();
    return true;
  }

  get #below(): number {
    while (this.#lowest < this.#next && !this.#waitedFor.has(this.#lowest)) this.#lowest += 1;
    return this.#lowest;
  }
}
