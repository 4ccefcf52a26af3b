/** Tells where rules would make one histogram or summary of several that a push has apart. */

/** As large as a number of `#serials` can be. */
const SERIAL_MAX = 2 ** 32 - 1;

export class SingleGroups {
  #serial = 0;
  /** By composite series: the push that last had a part of it, and of which group (PlacementTable.groups) that was. */
  #serials = new Uint32Array(0);
  #groups = new Int32Array(0);

  /** Begins another push. */
  begin(): void {
    this.#serial += 1;
    if (this.#serial <= SERIAL_MAX) return;
    this.#serial = 1;
    this.#serials.fill(0);
  }

  /** Whether a part of a group is of the same group as all parts of this composite series before it. */
  isOnly(composite: number, group: number): boolean {
    if (composite >= this.#serials.length) this.#grow(composite + 1);
    if (this.#serials[composite] === this.#serial) return this.#groups[composite] === group;
    this.#serials[composite] = this.#serial;
    this.#groups[composite] = group;
    return true;
  }

  #grow(composites: number): void {
    const [serials, groups] = [this.#serials, this.#groups];
    this.#serials = new Uint32Array(composites * 2);
    this.#serials.set(serials);
    this.#groups = new Int32Array(composites * 2);
    this.#groups.set(groups);
  }
}
