import { totalmem } from 'node:os';

let known: number | undefined;

/** Bytes of memory that this process may use: those of its container, or else of the machine. As it was when it was asked first: it is read from files. */
export function memoryOfMachine(): number {
  known ??= readMemory();
  return known;
}

function readMemory(): number {
  const total = totalmem();
  // Where nothing is constrained it is 0, or more than there is.
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < total ? constrained : total;
}
