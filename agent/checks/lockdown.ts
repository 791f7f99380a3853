import type { Finding, Observed, Rule } from '../../shared/findings.ts';
import { runningArguments } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { ContentError } from '../content-error.ts';
import type { Host } from '../host.ts';
import type { ProfileValues } from '../profile-values.ts';
import { derived, upstream } from './rules/mappings.ts';

const SYSCTLS = '/proc/sys/kernel';
const MODULES_DISABLED = `${SYSCTLS}/modules_disabled`;
const KEY = 'kernel.modules_disabled';
/** Files in the first of these hide those of the same name in the next, sysctl.d(5). */
const SYSCTL_FOLDERS = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
];
const SECURITYFS = '/sys/kernel/security';
const LOCKDOWN = `${SECURITYFS}/lockdown`;
const EFI = '/sys/firmware/efi';
const SECURE_BOOT = `${EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c`;
/** Weakest first, kernel_lockdown(7). */
const MODES = ['none', 'integrity', 'confidentiality'];

const modulesDisabled: Rule = {
  id: 'lockdown.modules-disabled',
  title: 'No module can be loaded into the kernel any more where the node is configured so',
  severity: 'medium',
  rationale:
    'A module runs with every right of the kernel. Once kernel.modules_disabled is 1 nobody loads one before the next ' +
    'boot; a configuration that was not applied, or came too late, leaves the door open.',
  remediation: {
    kind: 'MachineConfig',
    text:
      'Look why `sysctl -w kernel.modules_disabled=1` did not run after the last module was loaded: a systemd unit ' +
      'behind network and containers does it. Where modules are needed, take the line out of sysctl.d.',
  },
  mappings: upstream({
    CaC: ['sysctl_kernel_modules_disabled'],
    nist53: ['CM-6'],
    nist190: ['4.5.2'],
  }),
};

const mode: Rule = {
  id: 'lockdown.mode',
  title: 'The kernel is locked down where Secure Boot or its command line asks for it',
  severity: 'high',
  rationale:
    'Secure Boot vouches for the kernel that was started. Without lockdown user 0 may load unsigned modules, write ' +
    'to kernel memory and start another kernel afterwards.',
  remediation: {
    kind: 'node',
    text:
      'Look with `mokutil --sb-state` whether the validation of shim was switched off, and whether lsm= on the kernel ' +
      'command line leaves lockdown out; then boot the kernel of the distribution anew.',
  },
  mappings: derived({ nist53: ['SI-7(9)', 'CM-14', 'CM-6'], nist190: ['4.5.2'] }),
};

/** Whether the running kernel can still be changed: loading of modules, and kernel_lockdown(7). */
export const lockdown: Check = {
  id: 'lockdown',
  title: 'The running kernel cannot be changed where that is asked for',
  rules: [modulesDisabled, mode],
  watches: SYSCTL_FOLDERS,
  polls: [MODULES_DISABLED, LOCKDOWN],
  run,
};

async function run({ host, values }: CheckContext): Promise<readonly Finding[]> {
  return [
    ...(await ask(modulesDisabled, () => moduleLoading(host, values))),
    ...(await ask(mode, () => lockdownMode(host))),
  ];
}

async function moduleLoading(host: Host, values: ProfileValues): Promise<Statement> {
  const text = (await host.readText(MODULES_DISABLED))?.trim();
  if (text === undefined) {
    if ((await host.stat(SYSCTLS)) === undefined) return notVisible(SYSCTLS);
    const message = 'this kernel has no loadable modules';
    return { result: 'notapplicable', reason: 'no-modules', message };
  }
  const observed = { modulesDisabled: text };
  if (text === '1') {
    return { result: 'pass', message: 'no module can be loaded before the next boot', observed };
  }
  if (text !== '0') throw malformed(MODULES_DISABLED, 'expected 0 or 1');
  const asks = await whoDisablesModules(host, values);
  if (asks === undefined) {
    const message = 'modules can be loaded, and nothing on the node asks to lock that';
    return { result: 'notapplicable', reason: 'not-expected', message, observed };
  }
  return {
    result: 'fail',
    reason: 'not-applied',
    message: `modules can be loaded although ${asks} asks for ${KEY} = 1`,
    observed,
    expected: { modulesDisabled: '1' },
  };
}

/** The profile, or the file of sysctl.d that has the last word. */
async function whoDisablesModules(host: Host, values: ProfileValues): Promise<string | undefined> {
  if (values.sysctls[KEY]?.every((value) => value === '1')) return 'the profile';
  const files = new Map<string, string>();
  for (const folder of SYSCTL_FOLDERS) {
    for (const name of (await host.list(folder)) ?? []) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  const last = { path: '', value: '' };
  for (const [, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    // A link to nothing hides a file of the same name, and says nothing itself.
    if ((await host.readLink(path)) === '/dev/null') continue;
    const set = /^[ \t]*-?[ \t]*kernel[./]modules_disabled[ \t]*=[ \t]*(.*?)[ \t]*$/gm;
    for (const [, value = ''] of ((await host.readText(path)) ?? '').matchAll(set)) {
      Object.assign(last, { path, value });
    }
  }
  return last.value === '1' ? last.path : undefined;
}

async function lockdownMode(host: Host): Promise<Statement> {
  const text = await host.readText(LOCKDOWN);
  if (text === undefined && (await host.stat(`${SECURITYFS}/lsm`)) === undefined) {
    return notVisible(SECURITYFS);
  }
  const current = text === undefined ? 'none' : MODES.find((one) => text.includes(`[${one}]`));
  if (current === undefined) throw malformed(LOCKDOWN, `expected one of ${MODES} in []`);
  const isSecureBoot = await bootedSecurely(host);
  const asked = await askedOnCommandLine(host);
  const observed: Observed = {
    lockdown: text === undefined ? null : current,
    secureBoot: isSecureBoot ?? null,
  };
  const expected = asked ?? (isSecureBoot ? 'integrity' : undefined);
  if (expected !== undefined && MODES.indexOf(current) < MODES.indexOf(expected)) {
    const is = text === undefined ? 'this kernel has no lockdown' : `lockdown is ${current}`;
    const by =
      asked === undefined
        ? 'it was booted with Secure Boot'
        : `it was booted with lockdown=${asked}`;
    const reason = text === undefined ? 'missing' : 'not-locked-down';
    const message = `${is} although ${by}`;
    return { result: 'fail', reason, message, observed, expected: { lockdown: expected } };
  }
  if (current !== 'none') {
    return { result: 'pass', message: `the kernel is locked down: ${current}`, observed };
  }
  if (isSecureBoot === undefined) {
    const message = 'lockdown is none, and whether Secure Boot is on is not visible here';
    return { result: 'unknown', reason: 'not-visible', message, observed };
  }
  const message = 'lockdown is none, and neither Secure Boot nor the command line asks for it';
  return { result: 'notapplicable', reason: 'not-expected', message, observed };
}

/** Undefined where the node has EFI and its variables are not visible. */
async function bootedSecurely(host: Host): Promise<boolean | undefined> {
  const variable = await host.readBytes(SECURE_BOOT);
  if (variable === undefined) {
    if ((await host.stat(EFI)) === undefined) return false;
    return (await host.list(`${EFI}/efivars`))?.length ? false : undefined;
  }
  // Four bytes of attributes, then the value: efivarfs of the kernel's documentation.
  if (variable.length !== 5) throw malformed(SECURE_BOOT, 'expected 5 bytes');
  return variable[4] === 1;
}

/** The kernel takes each `lockdown=` in turn and never goes back; a word it does not know is nothing. */
async function askedOnCommandLine(host: Host): Promise<string | undefined> {
  const args = (await whereReadable(runningArguments(host))) ?? [];
  const asked = args.flatMap(({ name, value }) => (name === 'lockdown' ? [value ?? ''] : []));
  return MODES.slice(1).findLast((one) => asked.includes(one));
}

function malformed(path: string, message: string): Error {
  return new ContentError('ERR_LOCKDOWN', path, message);
}

function notVisible(path: string): Statement {
  return { result: 'error', reason: 'not-visible', message: `${path} is not visible here` };
}
