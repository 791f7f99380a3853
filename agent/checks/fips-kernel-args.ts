import { BOOT_ENTRIES, COMMAND_LINE, nextBootEntries, runningArguments } from '../boot.ts';
import { type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { hasArgument, switchOf } from '../kernel-arguments.ts';
import {
  type FipsPlaces,
  isExpected,
  isFips,
  isPendingReboot,
  notExpected,
  notVisible,
} from './fips-places.ts';

const INIT_MOUNTS = '/proc/1/mounts';

/** What the rule `fips.kernel-args` says, in two answers: for what runs now and for what boots next: either can be invisible by itself. */
export async function kernelArguments(
  host: Host,
  places: FipsPlaces,
): Promise<readonly Statement[]> {
  if (!isExpected(places)) return [await notExpected(host)];
  return [await runningKernel(host, places), await nextKernel(host, places)];
}

async function runningKernel(host: Host, places: FipsPlaces): Promise<Statement> {
  const args = await runningArguments(host);
  if (args === undefined) return notVisible(COMMAND_LINE);
  const fips = switchOf(args, 'fips') === true;
  const boot = hasArgument(args, 'boot');
  const observed = { fips, boot };
  const subject = COMMAND_LINE;
  if (fips && !boot && (await isBootSeparate(host))) {
    const message =
      'fips=1 without boot=: the integrity check of the next kernel can stop the boot';
    const reason = 'no-boot-argument';
    return { subject, result: 'fail', severity: 'low', reason, message, observed };
  }
  if (fips)
    return { subject, result: 'pass', message: 'the kernel was booted with fips=1', observed };
  const isPending = isPendingReboot(places);
  const { isOverruled } = places;
  const what = isOverruled ? 'with fips=1, and a later fips=0 overrules it' : 'without fips=1';
  const message = `the kernel was booted ${what}`;
  return {
    subject,
    result: 'fail',
    reason: isPending ? 'pending-reboot' : isOverruled ? 'overruled' : 'missing',
    ...(isPending ? { severity: 'medium' as const } : {}),
    message,
    observed,
  };
}

async function nextKernel(host: Host, places: FipsPlaces): Promise<Statement> {
  const entries = await nextBootEntries(host);
  const subject = BOOT_ENTRIES;
  if (entries.length === 0) return notVisible(subject);
  const without = entries.find((entry) => !isFips(entry));
  if (without === undefined) {
    return {
      subject,
      result: 'pass',
      message: 'the next boot has fips=1',
      observed: { fips: true },
    };
  }
  if (without.unresolved.length > 0) {
    const message = `${without.path} uses $${without.unresolved[0]}, whose value is not visible here`;
    return { subject, result: 'error', reason: 'not-visible', message };
  }
  const isLost = places.kernel === true || places.now === true;
  return {
    subject,
    result: 'fail',
    reason: isLost ? 'lost-at-reboot' : 'missing',
    message: `${without.path} boots without fips=1${isLost ? ': FIPS mode ends at the next boot' : ''}`,
    observed: { fips: false, entry: without.path },
  };
}

/** Only init's own view tells what the node mounts; where it may not be read, nothing is said of it. */
async function isBootSeparate(host: Host): Promise<boolean> {
  const mounts = (await whereReadable(host.readText(INIT_MOUNTS))) ?? '';
  return /^\S+ \/boot /m.test(mounts);
}
