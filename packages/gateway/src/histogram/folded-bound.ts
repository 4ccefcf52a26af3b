/** Where the observations of a classic bucket go by a list of bounds that grow: to the lowest that fits, or to infinity. */
export function foldedBound(bound: number, listed: readonly number[] | undefined): number {
  return listed === undefined ? bound : (listed.find((each) => bound <= each) ?? Number.POSITIVE_INFINITY);
}
