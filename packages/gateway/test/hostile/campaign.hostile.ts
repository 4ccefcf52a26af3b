/** The campaign, in this order: what takes a share of the time, then what runs while some is left. `-t floods` runs one part. */
import { testFloods } from './run-floods.ts';
import { testSoak } from './run-soak.ts';
import { testTurns, testTurnsInProcess } from './run-turns.ts';

testFloods();
testSoak();
testTurns();
testTurnsInProcess();
