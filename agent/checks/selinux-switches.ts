import { counted } from '../../shared/counted.ts';
import type { CheckContext, Statement } from '../check.ts';
import type { Host } from '../host.ts';
import { currentMode } from '../selinux/mode.ts';
import { hiddenSwitches, type KernelStatus, readKernelStatus, STATUS } from '../selinux/status.ts';
import { notVisible, switchedOff } from './selinux-mode.ts';

/** A look that found more switches than the modes before and after it show. */
interface Sighting {
  /** The kernel's count after it: no two are alike in one boot. */
  readonly sequence: number;
  readonly switches: number;
  readonly enforcing: boolean;
  readonly atMs: number;
}

interface Watched {
  readonly last: KernelStatus;
  readonly sightings: readonly Sighting[];
}

/** So long a sighting stands: it is an event when it comes and one when it goes, and nobody has to look in between. */
const HOLD_MS = 60 * 60 * 1000;
const MAX_SIGHTINGS = 16;

const watched = new WeakMap<Host, Watched>();

/**
 * Whether the mode was switched between two looks of this agent and back again, which leaves no trace but the kernel's
 * count. Each time has a subject of its own, so that a second time is news too. `status` is of the moment whose mode is
 * told; undefined where it could not be used.
 */
export async function uninterrupted(
  { host, clock }: CheckContext,
  status: KernelStatus | undefined,
): Promise<readonly Statement[]> {
  // What could not be used says why when it is read again.
  const now = status ?? (await readKernelStatus(host));
  if (now === undefined) {
    if ((await currentMode(host)) === 'disabled') return [switchedOff()];
    return [notVisible(STATUS, `${STATUS} is not visible here`)];
  }
  const before = watched.get(host);
  const atMs = clock.monotonicMs();
  const held = (before?.sightings ?? []).filter((one) => atMs - one.atMs < HOLD_MS);
  const switches = before === undefined ? 0 : hiddenSwitches(before.last, now);
  const { sequence, enforcing } = now;
  const sightings =
    switches === 0
      ? held
      : [...held, { sequence, switches, enforcing, atMs }].slice(-MAX_SIGHTINGS);
  watched.set(host, { last: now, sightings });
  if (sightings.length > 0) return sightings.map(statementOn);
  const message =
    before === undefined
      ? 'this is the first look: from here on the kernel’s count of switches is compared'
      : 'the kernel counts no switch that was not seen';
  return [{ result: 'pass', message, observed: { hiddenSwitches: 0 } }];
}

function statementOn({ sequence, switches, enforcing }: Sighting): Statement {
  const now = enforcing ? 'enforcing' : 'permissive';
  return {
    subject: `change ${sequence}`,
    result: 'fail',
    reason: 'switched-unseen',
    message: `SELinux was switched ${counted(switches, 'time')} between two looks and was ${now} again after it`,
    observed: { hiddenSwitches: switches, mode: now },
    expected: { hiddenSwitches: 0 },
  };
}
