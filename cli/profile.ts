import { checks } from '../agent/checks/index.ts';
import { Exceptions } from '../agent/exceptions.ts';
import { readFacts } from '../agent/facts.ts';
import type { Host } from '../agent/host.ts';
import type { Profile } from '../agent/profile.ts';
import { type ProfileInForce, profileFor } from '../agent/profile-choice.ts';
import { readProfile } from '../agent/profile-file.ts';
import { ConfigError } from '../shared/config.ts';
import { safeText } from '../shared/safe-text.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';

/** The profile named by `--profile`, else the one for the kind of node. */
export async function profileInForce(
  host: Host,
  named: string | undefined,
): Promise<ProfileInForce> {
  return await orInvalid(profileFor(host, named, checks));
}

/** A profile by its name or path. */
export async function namedProfile(named: string): Promise<Profile> {
  return await orInvalid(readProfile(named, checks));
}

/** The file of `--exceptions`; one that cannot be used is told, and covers nothing. */
export async function exceptionsOf(
  host: Host,
  file: string | undefined,
  io: Io,
): Promise<Exceptions | undefined> {
  if (file === undefined) return undefined;
  const node = await nodeName(host, io);
  const exceptions = await Exceptions.open({ file, node, checks });
  const { problem } = exceptions;
  if (problem !== undefined) {
    io.stderr.write(`note: no exception holds: ${safeText(problem.message)}\n`);
  }
  return exceptions;
}

/** What the node is called in what is said of it. */
export async function nodeName(host: Host, io: Io): Promise<string> {
  return io.env['NODE_NAME'] ?? (await readFacts(host)).hostname ?? 'unknown';
}

async function orInvalid<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', 'the profile cannot be used', {
      why: cause.message.replaceAll('\n', '; '),
      cause,
    });
  }
}
