import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT_INS, builtInCandidate } from '../../shared/simulation/built-in.ts';
import { readButaneCandidate } from '../../shared/simulation/butane.ts';
import {
  CandidateError,
  type CheckedCandidate,
  checkCandidate,
} from '../../shared/simulation/candidate.ts';
import { readMachineConfigCandidate } from '../../shared/simulation/machine-config.ts';
import { textOf } from '../../shared/simulation/written-files.ts';
import type { CandidateFile } from '../../shared/simulation.ts';
import type { Invocation, OptionSpec } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { fileError, readInput } from '../files.ts';
import type { Io } from '../io.ts';
import { REGISTRIES_D_OPTION } from '../options.ts';

/** Where a candidate comes from: one of these, and `--registries-d` beside `--policy`. */
const SOURCES = ['policy', 'machine-config', 'butane', 'built-in'] as const;
type Source = (typeof SOURCES)[number];

export const CANDIDATE_OPTIONS: readonly OptionSpec[] = [
  { flags: '--policy <file>', description: 'a policy.json, - for standard input' },
  REGISTRIES_D_OPTION,
  {
    flags: '--machine-config <file>',
    description: 'a MachineConfig (YAML or JSON) that writes /etc/containers/policy.json',
  },
  { flags: '--butane <file>', description: 'a Butane file that writes it' },
  {
    flags: '--built-in <name>',
    description: `the ClusterImagePolicy of a release: ${BUILT_INS.join(', ')}`,
    choices: BUILT_INS,
  },
];

/** True when the flags name a candidate, or what only goes with one. */
export function namesCandidate(invocation: Invocation): boolean {
  return [...SOURCES, 'registries-d'].some((flag) => invocation.value(flag) !== undefined);
}

/** The candidate that the flags name. One that no tool of a node would take is invalid input, told with its place. */
export async function candidateOf(invocation: Invocation, io: Io): Promise<CheckedCandidate> {
  const named = SOURCES.filter((source) => invocation.value(source) !== undefined);
  const [source] = named;
  const folder = invocation.value('registries-d');
  const flags = SOURCES.map((one) => `--${one}`).join(', ');
  if (source === undefined) throw usageError(`no candidate is named: one of ${flags}`);
  if (named.length > 1) throw usageError(`only one candidate at a time: one of ${flags}`);
  if (folder !== undefined && source !== 'policy') {
    throw usageError(`--registries-d goes with --policy, not with --${source}`);
  }
  try {
    return await read(source, invocation.value(source) ?? '', folder, io);
  } catch (cause) {
    if (!(cause instanceof CandidateError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', `${cause.place}: no valid candidate`, {
      why: cause.what,
      ...(source === 'policy' ? { next: 'nodeseal policy validate says more' } : {}),
      cause,
    });
  }
}

async function read(
  source: Source,
  file: string,
  folder: string | undefined,
  io: Io,
): Promise<CheckedCandidate> {
  switch (source) {
    case 'built-in':
      return builtInCandidate(file);
    case 'machine-config':
      return readMachineConfigCandidate(file, await textIn(file, 'MachineConfig', io));
    case 'butane':
      return readButaneCandidate(file, await textIn(file, 'Butane file', io));
    case 'policy': {
      const policy = await textIn(file, 'policy', io);
      const files = folder === undefined ? undefined : await filesIn(folder, io);
      const candidate = {
        policy,
        policyMode: 'replace',
        registriesDMode: 'replace',
        ...(files === undefined ? {} : { registriesD: files }),
      } as const;
      return checkCandidate(candidate, { policy: file, folder: join(folder ?? '', '/') });
    }
  }
}

async function textIn(file: string, what: string, io: Io): Promise<string> {
  return textOf(file, await readInput(file, what, io));
}

/** Files that are read, and those whose names only look so: they are warned of. */
async function filesIn(folder: string, io: Io): Promise<readonly CandidateFile[]> {
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw fileError(cause, `cannot read the folder ${folder}`);
  }
  const files: CandidateFile[] = [];
  for (const name of names.filter((name) => /\.ya?ml$/i.test(name)).sort()) {
    files.push({ name, text: await textIn(join(folder, name), 'file', io) });
  }
  return files;
}
