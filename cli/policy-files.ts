import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ImageName, parseImageName } from '../shared/trust/image-name.ts';
import { PolicyError, parsePolicy } from '../shared/trust/policy.ts';
import type { Policy } from '../shared/trust/policy-types.ts';
import { ImageReferenceError } from '../shared/trust/reference.ts';
import { parseRegistriesD, type RegistriesD } from '../shared/trust/registries-d.ts';
import { RegistriesDError } from '../shared/trust/registries-d-file.ts';
import { CliError, usageError } from './errors.ts';
import { fileError, readInput } from './files.ts';
import type { Io } from './io.ts';

/** The policy in a file; one that containers/image refuses is invalid input, told with its place. */
export async function readPolicyFile(file: string, io: Io): Promise<Policy> {
  return parsePolicyInput(file, await readInput(file, 'policy', io));
}

/** The same of what was already read. */
export function parsePolicyInput(file: string, bytes: Uint8Array): Policy {
  try {
    return parsePolicy(bytes);
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', `${file}:${cause.line}:${cause.column}: no valid policy`, {
      why: cause.message,
      next: `nodeseal policy validate ${file}`,
      cause,
    });
  }
}

/** The files of a folder registries.d, put together. */
export async function readRegistriesDFolder(folder: string, io: Io): Promise<RegistriesD> {
  let names: readonly string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw fileError(cause, `cannot read the folder ${folder}`);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of names.filter((name) => name.endsWith('.yaml'))) {
    files.set(name, await readInput(join(folder, name), 'file', io));
  }
  try {
    return parseRegistriesD(files);
  } catch (cause) {
    if (!(cause instanceof RegistriesDError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', `${folder}: no valid registries.d`, {
      why: cause.message,
      cause,
    });
  }
}

/**
 * An image as typed: `transport:reference`, or a Docker reference alone. A repository that is called like a
 * transport (`oci:1.0`) has to be written out.
 */
export function readImageName(text: string): ImageName {
  try {
    return parseImageName(text);
  } catch (cause) {
    const isBare = /^docker:(?!\/\/)|^(?!docker:\/\/)/.test(text);
    if (cause instanceof ImageReferenceError && isBare)
      return { transport: 'docker', reference: text };
    throw cause;
  }
}

/** Turns a reference that is none into a usage error; anything else goes on. */
export function orBadReference(error: unknown): never {
  if (!(error instanceof ImageReferenceError)) throw error;
  throw usageError(error.message, {
    next: 'write it as docker://registry.example.com/team/app:v1',
    cause: error,
  });
}
