import { setImmediate } from 'node:timers/promises';

/** Some 2 ms of calls. */
const CALLS_PER_TURN = 64;
let calls = 0;

/**
 * To be asked before each call that waits for nothing: every so often it gives what lets timers and sockets of the
 * process have their turn. Without it a loop over thousands of files keeps the agent from hearing that it should end.
 */
export function turnDue(): Promise<void> | undefined {
  calls = (calls + 1) % CALLS_PER_TURN;
  return calls === 0 ? setImmediate() : undefined;
}
