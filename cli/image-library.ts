import type { EvaluationContext } from '../shared/trust/verdict-types.ts';
import type { OptionSpec } from './command.ts';
import { usageError } from './errors.ts';

/** Nodes differ: each links its own version of containers/image, and verdicts must be the node's. */
export const IMAGE_LIBRARY_OPTION: OptionSpec = {
  flags: '--image-library <version>',
  description:
    'answer as this version of containers/image, as 5.36; default: the newest. Before 5.37 a signature by a signing subkey does not count',
};

/** Since when signatures by signing subkeys count. */
const SIGNING_SUBKEYS = [5, 37] as const;

/** What the version changes in an evaluation; nothing when none was named. */
export function readImageLibrary(
  version: string | undefined,
): Pick<EvaluationContext, 'signingSubkeys'> {
  if (version === undefined) return {};
  const [, major, minor] = /^v?(\d{1,3})\.(\d{1,4})(?:\.\d{1,4})?$/.exec(version) ?? [];
  if (major === undefined || minor === undefined) {
    throw usageError(`--image-library: '${version}' is no version`, { next: 'as 5.36 or 5.36.2' });
  }
  const [sinceMajor, sinceMinor] = SIGNING_SUBKEYS;
  const isSince =
    Number(major) > sinceMajor || (Number(major) === sinceMajor && Number(minor) >= sinceMinor);
  return { signingSubkeys: isSince };
}
