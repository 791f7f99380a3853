import { counted } from '../../shared/counted.ts';
import { type CheckContext, type Statement, whereReadable } from '../check.ts';
import {
  BOOLEANS,
  type BooleanState,
  persistentBooleans,
  readBoolean,
  TRACKED_BOOLEANS,
  type TrackedBoolean,
} from '../selinux/booleans.ts';
import { currentMode, effectiveType } from '../selinux/mode.ts';
import { storeFolder } from '../selinux/policy-store.ts';
import { notVisible, switchedOff } from './selinux-mode.ts';

interface Seen extends TrackedBoolean, BooleanState {
  readonly path: string;
}

/** Whether booleans that widen what containers may do are as shipped, as the profile has them, or as accepted. */
export async function booleans(context: CheckContext): Promise<readonly Statement[]> {
  const { host } = context;
  const mode = await currentMode(host);
  if (mode === 'disabled') return [switchedOff()];
  if (mode === undefined || (await host.list(BOOLEANS)) === undefined) {
    return [notVisible(BOOLEANS, `${BOOLEANS} is not visible here`)];
  }
  const seen: Seen[] = [];
  const statements: Statement[] = [];
  for (const tracked of TRACKED_BOOLEANS) {
    const path = `${BOOLEANS}/${tracked.name}`;
    const state = await readBoolean(host, tracked.name);
    if (state === undefined) continue;
    if (state === null) statements.push(unreadable(path));
    else seen.push({ ...tracked, ...state, path });
  }
  const persistent = await persistentValues(context);
  for (const each of seen) {
    const statement = judge(context, each, persistent?.get(each.name));
    if (statement !== undefined) statements.push(statement);
  }
  if (statements.length > 0) return statements;
  const on = seen.filter(({ current }) => current).map(({ name }) => name);
  const those = counted(seen.length, 'boolean is', 'booleans are');
  const message = `${those} as shipped or as the profile and the baseline have them`;
  return [{ result: 'pass', message, observed: { on: on.join(' ') } }];
}

async function persistentValues({
  host,
}: CheckContext): Promise<ReadonlyMap<string, boolean> | undefined> {
  const type = await whereReadable(effectiveType(host));
  const folder = type === undefined ? undefined : await whereReadable(storeFolder(host, type));
  return folder === undefined ? undefined : await persistentBooleans(host, folder);
}

/** Undefined for a boolean that is as it should be; one that allows less than as shipped is that too. */
function judge(
  { values, baseline }: CheckContext,
  { name, path, current, pending, stock, looser }: Seen,
  persistent: boolean | undefined,
): Statement | undefined {
  const observed = { current, pending, persistent: persistent ?? null };
  const isExpected =
    current === stock || current !== looser || values.selinuxBooleansOn.includes(name);
  const accepted = baseline?.observed[`selinux.booleans ${path}`];
  const about = { subject: path, observed, expected: { current: stock } };
  if (current !== pending) {
    const message = `${name} is ${word(current)} and will be ${word(pending)} with the next commit of booleans`;
    return { ...about, result: 'fail', reason: 'uncommitted', message };
  }
  if (isExpected || accepted?.['current'] === current) return undefined;
  const lasting =
    persistent === current ? 'also after a reboot (setsebool -P)' : 'set in the running kernel';
  const message = `${name} is ${word(current)}, ${lasting}; the policy is shipped with it ${word(stock)}`;
  return { ...about, result: 'fail', reason: `turned-${word(current)}`, message };
}

function unreadable(path: string): Statement {
  const message = `${path}: expected a current and a pending value, 0 or 1`;
  return { subject: path, result: 'error', reason: 'parse', message, observed: { path } };
}

function word(value: boolean): Word {
  return value ? 'on' : 'off';
}
type Word = 'on' | 'off';
