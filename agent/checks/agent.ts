import { counted } from '../../shared/counted.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Finding, Observed } from '../../shared/findings.ts';
import {
  type Check,
  type CheckContext,
  finding,
  type SelfKnowledge,
  type Statement,
  whereReadable,
} from '../check.ts';
import { MAX_SKEW_MS } from '../clock-skew.ts';
import { type Host, openHost } from '../host.ts';
import { type OwnFiles, ownFiles } from '../own-files.ts';
import { isThisMachine, readSelf, type SelfFacts, topMounts } from '../self.ts';
import { FIPS_ENABLED, kernelFlag } from './fips-places.ts';
import * as rules from './rules/agent.ts';

/** The process that reports: always asked, so that who reads the answers can judge who gave them. */
export const agent: Check = {
  id: 'agent',
  title: 'The reporter can be relied on',
  rules: [rules.self],
  watches: [],
  run,
};

/** Types whose processes SELinux does not hold back. */
const UNCONFINED = /^(?:spc|unconfined|unconfined_service|kernel|initrc)_t$/;

async function run({ host, self }: CheckContext): Promise<readonly Finding[]> {
  const facts = await readSelf(openHost('/'));
  const statements = [
    await opensslFips(host, facts),
    confinement(facts),
    await hostRootWritable(host, facts, self !== undefined),
    await ownFiles().then(files, unreadable),
    ...(self === undefined ? [] : [eventsDropped(self), ...clock(self)]),
  ];
  return statements.map((statement) => finding(rules.self, statement));
}

/** An installation that its own process may not read, or that is gone since it started. */
function unreadable(error: unknown): Statement {
  const message = `the files of nodeseal itself cannot be read: ${messageOf(error)}`;
  return { subject: 'files', result: 'error', reason: 'unreadable', message };
}

/** Exported for its table of cases, as those below. */
export async function opensslFips(host: Host, facts: SelfFacts): Promise<Statement> {
  const subject = 'openssl-fips';
  const { openssl, isFips } = facts;
  const own = `OpenSSL ${openssl} of this process is ${isFips ? '' : 'not '}in FIPS mode`;
  const observed = { openssl, fips: isFips };
  if (!(await isThisMachine(host, facts))) return otherMachine(host, subject, observed);
  const node = await whereReadable(kernelFlag(host));
  if (node === undefined) {
    const message = `${FIPS_ENABLED} is not visible here`;
    return { subject, result: 'error', reason: 'not-visible', message, observed };
  }
  if (!node) {
    const message = `${own}; the node is not either`;
    return { subject, result: 'notapplicable', reason: 'not-expected', message, observed };
  }
  if (isFips) return { subject, result: 'pass', message: `${own}, as the node is`, observed };
  const message = `${own}, the node is: signatures are verified by a library that is not validated`;
  const severity = 'high';
  return { subject, result: 'fail', reason: 'not-fips', severity, message, observed };
}

/** Evidence: what an agent needs to read a node is not for SELinux alone to say. */
export function confinement(facts: SelfFacts): Statement {
  const subject = 'confinement';
  const { selinuxType, seccompMode, capabilities, noNewPrivileges } = facts;
  const observed = {
    selinuxType: selinuxType ?? null,
    seccomp: seccompMode ?? null,
    capabilities: capabilities ?? null,
    noNewPrivileges: noNewPrivileges ?? null,
  };
  const message =
    `this process runs ${selinuxType === undefined ? 'without an SELinux label' : `as ${selinuxType}`}, ` +
    `${seccompMode === 2 ? 'behind' : 'without'} a seccomp filter, with capabilities ${capabilities ?? 'unknown'}`;
  const isConfined = selinuxType !== undefined && !UNCONFINED.test(selinuxType);
  if (isConfined && seccompMode === 2) return { subject, result: 'pass', message, observed };
  return { subject, result: 'notapplicable', reason: 'informational', message, observed };
}

/** `isAgent`: a person with a shell on the node may write there anyhow, an agent need not. */
export async function hostRootWritable(
  host: Host,
  facts: SelfFacts,
  isAgent: boolean,
): Promise<Statement> {
  const subject = 'host-root-writable';
  const tops = topMounts(facts.mounts, host.root);
  const writable = tops.find(({ isWritable }) => isWritable);
  const observed = { mounts: tops.length, writable: writable?.point ?? null };
  if (!(await isThisMachine(host, facts))) return otherMachine(host, subject, observed);
  if (tops.length === 0) {
    const message = `no mount of this process is at ${host.root} or below it`;
    return isAgent
      ? { subject, result: 'error', reason: 'not-visible', message, observed }
      : { subject, result: 'notapplicable', reason: 'not-visible', message, observed };
  }
  if (writable === undefined) {
    const message = `the node's files are mounted read-only for this process (${host.root})`;
    return { subject, result: 'pass', message, observed };
  }
  const message = `the node's files at ${writable.point} are mounted writable for this process, which only reads them`;
  if (isAgent && host.root !== '/') {
    const severity = 'low';
    return { subject, result: 'fail', reason: 'writable', severity, message, observed };
  }
  return { subject, result: 'notapplicable', reason: 'informational', message, observed };
}

export function files({ version, folder, count, sha256, writable }: OwnFiles): Statement {
  const subject = 'files';
  const observed = { version, files: count, sha256 };
  if (writable !== undefined) {
    const message = `${writable} can be written by everybody, so anybody decides what this process says`;
    const severity = 'high';
    return { subject, result: 'fail', reason: 'writable', severity, message, observed };
  }
  const message = `nodeseal ${version} in ${folder} has ${counted(count, 'file')} with the digest ${sha256}`;
  return { subject, result: 'pass', message, observed };
}

export function eventsDropped({ lostEvents }: Pick<SelfKnowledge, 'lostEvents'>): Statement {
  const subject = 'events-dropped';
  const lost = lostEvents();
  const observed = { lost };
  if (lost === 0) {
    const message = 'no event was lost since the agent started';
    return { subject, result: 'pass', message, observed };
  }
  const message = `${counted(lost, 'event was', 'events were')} lost since the agent started, before an aggregator took them`;
  return { subject, result: 'fail', reason: 'lost', severity: 'low', message, observed };
}

/** Nothing before the first connection: an answer that each start gives and takes back is no news. */
export function clock({
  serverAheadMs,
}: Pick<SelfKnowledge, 'serverAheadMs'>): readonly Statement[] {
  const subject = 'clock';
  const aheadMs = serverAheadMs();
  if (aheadMs === undefined) return [];
  // Certificates and signatures expire by the clock, and NTP leaves far less.
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) {
    const withinSeconds = MAX_SKEW_MS / 1000;
    const message = `the clocks of node and aggregator agree within ${withinSeconds} s`;
    return [{ subject, result: 'pass', message, observed: { withinSeconds } }];
  }
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const observed = { skewSeconds: seconds };
  const message = `the clock of the node is ${seconds} s ${aheadMs > 0 ? 'behind' : 'ahead of'} the aggregator’s`;
  return [{ subject, result: 'fail', reason: 'skewed', severity: 'low', message, observed }];
}

function otherMachine(host: Host, subject: string, observed: Observed): Statement {
  const message = `${host.root} holds the files of another machine than this process runs on`;
  return { subject, result: 'notapplicable', reason: 'other-machine', message, observed };
}
