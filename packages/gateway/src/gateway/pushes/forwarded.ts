/** Whether what another member of the cluster passed on counts. */
import { RequestError } from '../../model/errors.ts';
import type { Forwarded } from '../../store/forwarded.ts';
import type { ForwardedFrom } from '../../wal/forwarded-command.ts';

/** A later process of the member that passed it on is known. */
export class MemberReplaced extends RequestError {
  readonly incarnation: number;

  constructor(member: string, incarnation: number) {
    super(
      'member_replaced',
      `what an earlier process of the member ${JSON.stringify(member)} passes on is not taken any more; if both run, give each a --cluster.name of its own`,
    );
    this.incarnation = incarnation;
  }
}

/** Whether it was counted before, or nobody waits for it any more. Throws RequestError where it must not be counted. */
export function isSettled(forwarded: Forwarded, { key }: ForwardedFrom): boolean {
  switch (forwarded.look(key)) {
    case 'new':
      return false;
    case 'settled':
      return true;
    case 'replaced':
      throw new MemberReplaced(key.member, forwarded.incarnationOf(key.member)!);
    case 'beyond':
      throw new RequestError(
        'overloaded',
        `the member ${JSON.stringify(key.member)} has passed on too much that is not settled; retry later`,
      );
  }
}

/** Whether a push was refused for what is in it. */
export function isOfSender(error: unknown): boolean {
  return error instanceof RequestError && error.status < 500 && !(error instanceof MemberReplaced);
}
