/** What is wrong with a rule; whoever reads the file it stands in says where. */
export class RuleProblem extends Error {
  /** The part of the text that is wrong, from where to where; all of it when left out. */
  readonly from: number | undefined;
  readonly to: number | undefined;

  constructor(message: string, part: { readonly from?: number; readonly to?: number } = {}) {
    super(message);
    this.from = part.from;
    this.to = part.to;
  }
}
