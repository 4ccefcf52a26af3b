/** A property that hangs says with which input, before the test ends without a word. */
import fc from 'fast-check';

/** Less than a test may take. */
const HANGS_MS = 500_000;

fc.configureGlobal({ interruptAfterTimeLimit: HANGS_MS, markInterruptAsFailure: true });
