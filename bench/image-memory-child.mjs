import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

// The process that image-memory.ts measures: JavaScript, so that no compiler is resident in it.
const [, , hostRoot, settleMs] = process.argv;
/** All that an agent has loaded when its first pass begins. */
await import('../dist/agent/daemon.js');
const { openHost } = await import('../dist/agent/host.js');
const { verifierOf } = await import('../dist/agent/images/verifier.js');
const { systemClock } = await import('../dist/shared/clock.js');
const verifier = verifierOf(openHost(hostRoot), { sources: ['store'] });

await delay(Number(settleMs));
const before = statusMiB('VmRSS');
// The highest mark starts anew here, proc(5).
writeFileSync('/proc/self/clear_refs', '5');
const { verdicts } = await verifier.verify(systemClock, AbortSignal.timeout(120_000));
await delay(Number(settleMs));
const peak = statusMiB('VmHWM');
const after = statusMiB('VmRSS');
await verifier.verify(systemClock, AbortSignal.timeout(120_000));
await delay(Number(settleMs));
const images = verdicts.filter(({ verdict }) => verdict === 'accepted').length;
console.log(JSON.stringify({ before, peak, after, afterSecond: statusMiB('VmRSS'), images }));

function statusMiB(name) {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(status.match(`${name}:\\s*(\\d+) kB`)?.[1]) / 1024;
}
