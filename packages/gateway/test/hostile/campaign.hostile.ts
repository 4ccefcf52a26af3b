/** The campaign, in this order: what takes a share of the time, then what runs while some is left. `-t floods` runs one part. */
import { testFloods } from './run-floods.ts';
import { testFraming } from './run-framing.ts';
import { testSoak } from './run-soak.ts';
import { testStores } from './run-stores.ts';
import { testTokenFlood } from './run-token-flood.ts';
import { testTurns, testTurnsInProcess } from './run-turns.ts';
import { testVisits } from './run-visits.ts';

testFloods();
testSoak();
testTokenFlood();
testStores();
testFraming();
testTurns();
testTurnsInProcess();
testVisits();
