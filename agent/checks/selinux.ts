import type { Finding } from '../../shared/findings.ts';
import { BOOT_ENTRIES } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { CRIO_FOLDER, crioBoolean, readCrioConfig } from '../crio-config.ts';
import type { Host } from '../host.ts';
import { ENFORCE, SELINUXFS } from '../selinux/mode.ts';
import { kernelMoment } from '../selinux/moment.ts';
import { STATUS } from '../selinux/status.ts';
import * as rules from './rules/selinux.ts';
import * as policyRules from './rules/selinux-policy.ts';
import * as runtimeRules from './rules/selinux-runtime.ts';
import { booleans } from './selinux-booleans.ts';
import { kernelArguments } from './selinux-boot.ts';
import { unconfinedDaemons } from './selinux-daemons.ts';
import { configEnforcing, enforcing } from './selinux-mode.ts';
import { permissiveDomains } from './selinux-permissive.ts';
import { policyUnmodified } from './selinux-policy-changes.ts';
import { policyType } from './selinux-policy-type.ts';
import { uninterrupted } from './selinux-switches.ts';

const CONFIG_FOLDER = '/etc/selinux';
/** Where policies of RHEL lie, and what they are built from on RHEL and on ostree systems. */
const POLICY_FOLDERS = ['targeted', 'mls'].flatMap((type) => [
  `${CONFIG_FOLDER}/${type}/policy`,
  ...[`${CONFIG_FOLDER}/${type}/active`, `/var/lib/selinux/${type}/active`].flatMap((active) => [
    active,
    `${active}/modules/400`,
    `${active}/modules/disabled`,
  ]),
]);

/** Written to by whoever sets booleans or loads a policy: nothing can be read there, but each write is an event. */
const CHANGES = [`${SELINUXFS}/commit_pending_bools`, `${SELINUXFS}/load`];

/** SELinux: what the kernel does, what the next boot will do, and whether the policy is the vendor's. See selinux(8), selinux_config(5). */
export const selinux: Check = {
  id: 'selinux',
  title: 'SELinux is enforcing and stays so',
  rules: [
    rules.enforcing,
    rules.uninterrupted,
    rules.configEnforcing,
    rules.kernelArguments,
    rules.crioEnabled,
    policyRules.policyType,
    policyRules.policyUnmodified,
    policyRules.permissiveDomains,
    runtimeRules.booleans,
    runtimeRules.unconfinedDaemons,
    runtimeRules.fileLabels,
  ],
  watches: [
    CONFIG_FOLDER,
    ...POLICY_FOLDERS,
    BOOT_ENTRIES,
    CRIO_FOLDER,
    `${CRIO_FOLDER}/crio.conf.d`,
  ],
  polls: [ENFORCE, STATUS, ...CHANGES],
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  signal.throwIfAborted();
  const { host } = context;
  const moment = await whereReadable(kernelMoment(host));
  return [
    ...(await ask(rules.enforcing, async () => {
      // Where it could not be read, this says why.
      return await enforcing(host, (moment ?? (await kernelMoment(host))).mode);
    })),
    ...(await ask(rules.uninterrupted, () => uninterrupted(context, moment?.status))),
    ...(await ask(rules.configEnforcing, () => configEnforcing(host))),
    ...(await ask(rules.kernelArguments, () => kernelArguments(host))),
    ...(await ask(rules.crioEnabled, () => crioEnabled(host))),
    ...(await ask(policyRules.policyType, () => policyType(context))),
    ...(await ask(policyRules.policyUnmodified, () => policyUnmodified(context))),
    ...(await ask(policyRules.permissiveDomains, () => permissiveDomains(context))),
    ...(await ask(runtimeRules.booleans, () => booleans(context))),
    ...(await ask(runtimeRules.unconfinedDaemons, () => unconfinedDaemons(context, signal))),
    ...(await ask(runtimeRules.fileLabels, fileLabels)),
  ];
}

async function crioEnabled(host: Host): Promise<Statement> {
  const config = await readCrioConfig(host);
  if (config === undefined) {
    return { result: 'notapplicable', reason: 'no-crio', message: 'CRI-O is not on this node' };
  }
  const setting = crioBoolean(config, 'crio', 'runtime', 'selinux');
  const observed = { selinux: setting?.value ?? null, path: setting?.path ?? null };
  if (setting?.value === false) {
    const message = `${setting.path} sets selinux = false, so that containers run unlabelled`;
    return { result: 'fail', reason: 'labels-off', message, observed, expected: { selinux: true } };
  }
  const message =
    setting === undefined
      ? 'CRI-O labels containers when the node has SELinux (its default)'
      : `CRI-O labels containers (${setting.path})`;
  return { result: 'pass', message, observed };
}

async function fileLabels(): Promise<Statement> {
  const message =
    'the label of a file is an extended attribute, which this agent has no way to read';
  return { result: 'notchecked', reason: 'no-xattr', message };
}
