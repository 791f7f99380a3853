import { type Statement, whereReadable } from '../check.ts';
import type { MachineConfig } from '../desired/machine-config.ts';
import { type MachineConfigUnit, UNITS } from '../desired/machine-config-units.ts';
import type { Host } from '../host.ts';

/** Where a unit is looked for, the first place first: systemd.unit(5). */
const UNIT_PLACES = [UNITS, '/run/systemd/system', '/usr/lib/systemd/system'];
/** Folders in which a link to a unit enables it. */
const ENABLING = /\.(?:wants|requires|upholds)$/;

/** Units that are enabled, disabled or masked otherwise than their MachineConfig says; their texts are files. */
export async function unitDrift(
  host: Host,
  { units, name }: MachineConfig,
): Promise<readonly Statement[]> {
  const enabled = await enabledUnits(host);
  const found: Statement[] = [];
  for (const unit of units) {
    const statement = await driftOfUnit(host, unit, enabled);
    if (statement === undefined) continue;
    const message = `${statement.message}, not as rolled out by ${name}`;
    found.push({ subject: `${UNITS}/${unit.name}`, result: 'fail', ...statement, message });
  }
  return found;
}

type Difference = Pick<Statement, 'reason' | 'message' | 'observed' | 'expected'>;

async function driftOfUnit(
  host: Host,
  unit: MachineConfigUnit,
  enabled: ReadonlySet<string>,
): Promise<Difference | undefined> {
  const target = await whereReadable(host.readLink(`${UNITS}/${unit.name}`));
  if (unit.isMasked) {
    if (target === '/dev/null') return undefined;
    return {
      reason: 'unmasked',
      message: `${unit.name} is not masked: expected a link to /dev/null`,
      observed: { link: target ?? null },
      expected: { link: '/dev/null' },
    };
  }
  if (unit.enabled === undefined || !(await canBeEnabled(host, unit))) return undefined;
  const isMasked = target === '/dev/null';
  const isEnabled = !isMasked && enabled.has(unit.name);
  if (isEnabled === unit.enabled) return undefined;
  const word = isMasked ? 'masked' : isEnabled ? 'enabled' : 'disabled';
  return {
    reason: word,
    message: `${unit.name} is ${word}, expected ${unit.enabled ? 'enabled' : 'disabled'}`,
    observed: { enabled: isEnabled },
    expected: { enabled: unit.enabled },
  };
}

/** Names of the links in every folder that enables units. */
async function enabledUnits(host: Host): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const folder of (await whereReadable(host.list(UNITS))) ?? []) {
    if (!ENABLING.test(folder)) continue;
    for (const name of (await whereReadable(host.list(`${UNITS}/${folder}`))) ?? []) {
      names.add(name);
    }
  }
  return names;
}

/**
 * True for a unit that asks for a link when it is enabled: one that has no such line is static, a template is enabled
 * by its instances, and of one that is nowhere nobody can tell.
 */
async function canBeEnabled(host: Host, { name, contents }: MachineConfigUnit): Promise<boolean> {
  if (/@\.\w+$/.test(name)) return false;
  const text = contents ?? (await unitText(host, name));
  const [, install = ''] = (text ?? '').split(/^[ \t]*\[Install\][ \t]*$/m);
  return /^[ \t]*(?:WantedBy|RequiredBy|UpheldBy)[ \t]*=[ \t]*\S/m.test(install);
}

async function unitText(host: Host, name: string): Promise<string | undefined> {
  const names = [name, name.replace(/@.*(?=\.)/, '@')];
  for (const folder of UNIT_PLACES) {
    for (const file of names) {
      const text = await whereReadable(host.readText(`${folder}/${file}`));
      if (text !== undefined && text !== '') return text;
    }
  }
  return undefined;
}
