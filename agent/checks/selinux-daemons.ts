import { counted } from '../../shared/counted.ts';
import { type CheckContext, isFileError, type Statement, whereReadable } from '../check.ts';
import type { Host } from '../host.ts';
import { isOfContainer } from '../running-containers.ts';
import { processLabels, typeOf } from '../selinux/labels.ts';
import { currentMode, ENFORCE } from '../selinux/mode.ts';
import { notVisible, switchedOff } from './selinux-mode.ts';

const UNCONFINED = 'unconfined_service_t';

/** Daemons of the node, containers apart, that run without a domain of their own: this agent as any other. */
export async function unconfinedDaemons(
  { host, values }: CheckContext,
  signal: AbortSignal,
): Promise<readonly Statement[]> {
  const mode = await currentMode(host);
  if (mode === 'disabled') return [switchedOff()];
  if (mode === undefined) return [notVisible(ENFORCE, 'selinuxfs is not visible here')];
  const labels = await processLabels(host, signal);
  if (labels === undefined) {
    return [notVisible('/proc', 'the processes of the node are not visible in /proc')];
  }
  const { processes, problem } = labels;
  const found = new Map<string, Statement>();
  for (const { pid, label } of processes) {
    if (typeOf(label) !== UNCONFINED || (await isOfContainer(host, pid))) continue;
    const { name, path } = await programOf(host, pid);
    if (path !== undefined && values.unconfinedPrograms.includes(path)) continue;
    found.set(name, unconfined(name, label));
  }
  const statements = [...found.values()];
  if (problem !== undefined) statements.push(unreadable(problem));
  if (statements.length > 0) return statements;
  const message = `none of ${counted(processes.length, 'process', 'processes')} is a daemon of the type ${UNCONFINED}`;
  return [{ result: 'pass', message, observed: { unconfined: 0 } }];
}

function unconfined(subject: string, label: string): Statement {
  return {
    subject,
    result: 'fail',
    reason: 'unconfined',
    message: `${subject} runs as ${UNCONFINED}: the policy has no domain for it, so it may do nearly anything`,
    observed: { type: UNCONFINED, label },
  };
}

/** What kept labels from being read: some processes were not looked at. */
function unreadable(problem: unknown): Statement {
  if (!isFileError(problem)) throw problem;
  const { path, message, reason = 'unreadable' } = problem;
  return {
    subject: '/proc',
    result: 'error',
    reason,
    message: `labels of processes cannot be read: ${message}`,
    observed: { path: path.replace(/\d+/, 'PID') },
  };
}

/** The program by its path; where that may not be seen, by the name the process gave itself, which exempts nothing. */
async function programOf(
  host: Host,
  pid: string,
): Promise<{ readonly name: string; readonly path: string | undefined }> {
  const link = await whereReadable(host.readLink(`/proc/${pid}/exe`));
  const path = link?.replace(/ \(deleted\)$/, '');
  const name = path ?? (await whereReadable(host.readText(`/proc/${pid}/comm`)))?.trim();
  return { name: name ?? `process ${pid}`, path };
}
