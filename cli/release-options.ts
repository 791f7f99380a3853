import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ReleaseSettings } from '../agent/images/release-signature.ts';
import { parseDigest } from '../shared/trust/digest.ts';
import type { Invocation, OptionSpec } from './command.ts';
import { CliError, usageError } from './errors.ts';
import { fileError } from './files.ts';

export const RELEASE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--release-key <file>',
    description:
      'OpenPGP public keys by which OpenShift releases have to be signed; may be repeated: each file has to have signed',
    repeatable: true,
  },
  {
    flags: '--release-signatures <dir>',
    description: 'their signatures, as sha256=<hex>/signature-1, …',
  },
  {
    flags: '--release-references <file>',
    description: 'a release’s image-references, for a node that does not hold the release image',
  },
  {
    flags: '--release-image <digest>',
    description: 'digest of that release image; repository@sha256:… will do',
  },
];

/** The options as settings; undefined when none was given. Throws for a part without its other, and for what is not there. */
export async function readReleaseOptions(
  invocation: Invocation,
): Promise<ReleaseSettings | undefined> {
  const keyFiles = invocation.values('release-key');
  const signatures = invocation.value('release-signatures');
  const references = invocation.value('release-references');
  const image = invocation.value('release-image');
  if (keyFiles.length === 0 && [signatures, references, image].every((one) => one === undefined)) {
    return undefined;
  }
  if (keyFiles.length === 0 || signatures === undefined) {
    throw usageError('a release is verified by keys and signatures', {
      next: '--release-key FILE --release-signatures DIR',
    });
  }
  if ((references === undefined) !== (image === undefined)) {
    throw usageError('a list of images counts for the release image it belongs to', {
      next: '--release-references FILE --release-image sha256:…',
    });
  }
  for (const file of [...keyFiles, ...(references === undefined ? [] : [references])]) {
    await requireKind(file, false);
  }
  await requireKind(signatures, true);
  return {
    keyFiles: keyFiles.map((file) => resolve(file)),
    areKeysHere: true,
    signatures: resolve(signatures),
    ...(references === undefined ? {} : { imageReferences: resolve(references) }),
    ...(image === undefined ? {} : { image: digestIn(image) }),
  };
}

function digestIn(text: string): string {
  const digest = text.slice(text.indexOf('@') + 1);
  if (parseDigest(digest)?.algorithm === 'sha256') return digest;
  throw usageError(`--release-image ${text} is no digest`, { next: 'sha256: and 64 hex digits' });
}

/** What is not there at all would else be told as a release that is not signed. */
async function requireKind(path: string, isFolder: boolean): Promise<void> {
  const what = `cannot read ${path}`;
  try {
    const found = await stat(path);
    if (isFolder ? found.isDirectory() : found.isFile()) return;
  } catch (cause) {
    throw fileError(cause, what);
  }
  const why = isFolder ? 'expected a folder' : 'expected a file';
  throw new CliError('ERR_CLI_INPUT', what, { why });
}
