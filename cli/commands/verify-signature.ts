import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { findSignatures } from '../../agent/signatures/mirror-layout.ts';
import { API_VERSION } from '../../shared/api.ts';
import { messageOf } from '../../shared/errors.ts';
import { safeText } from '../../shared/safe-text.ts';
import { parseDigest } from '../../shared/trust/digest.ts';
import { manifestDigest } from '../../shared/trust/manifest.ts';
import { loadKeys } from '../../shared/trust/openpgp/keys.ts';
import { type SignatureAnswer, verifySignature } from '../../shared/trust/verify-signature.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { fileError, readInput } from '../files.ts';
import type { Io } from '../io.ts';
import { outputOption } from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';

interface FileAnswer {
  readonly file: string;
  readonly answer: SignatureAnswer;
}

export const verifySignatureCommand: Command = {
  description: `Verifies simple signatures of an image manifest, as 'skopeo standalone-verify' does: no policy, no registry. Prints
the fingerprint, the digest and the reference that were signed.

With a folder as --signature one good signature in it is enough. The folder is one with signature-1, signature-2, …, or a
copy of a store of release signatures, as https://mirror.openshift.com/pub/openshift-v4/signatures/openshift/release:
then its subfolder sha256=<hex> for the manifest is taken. Exit code 1: none verifies. 5: no signature is there.`,
  arguments: [],
  options: [
    { flags: '--manifest <file>', description: 'the manifest that was signed' },
    { flags: '--digest <digest>', description: 'its digest, in place of the manifest: sha256:…' },
    {
      flags: '--key <file>',
      description: 'OpenPGP public keys, armored or binary; may be repeated',
      repeatable: true,
    },
    {
      flags: '--signature <path>',
      description:
        'the signature, or a folder with signature-1, …, or one with sha256=<hex>/signature-1, …',
      required: true,
    },
    { flags: '--reference <image>', description: 'the reference it must be signed as' },
    {
      flags: '--at <time>',
      description: 'judge keys and signature at this time (RFC 3339) in place of now',
    },
    outputOption(DOCUMENT_FORMATS),
  ],
  examples: [
    {
      line: 'nodeseal verify-signature --manifest m.json --key prod.asc --signature signature-1 --reference quay.io/team/app:v1',
      meaning: 'is this signature good, for this manifest, under this name',
    },
    {
      line: 'nodeseal verify-signature --digest sha256:… --key /etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release --signature ./release',
      meaning: 'is this OpenShift release signed, by a copy of the mirror’s folder',
    },
  ],
  async run(invocation, io) {
    const manifest = await readManifest(invocation, io);
    const keyFiles = invocation.values('key');
    if (keyFiles.length === 0) throw usageError('no key to verify with', { next: '--key FILE' });
    const keys = [];
    for (const file of keyFiles) keys.push(await readInput(file, 'key', io));
    const keyring = await loadKeys(keys);
    const reference = invocation.value('reference');
    const nowMs = timeOf(invocation.value('at')) ?? io.nowMs();
    const answers: FileAnswer[] = [];
    for (const file of await signatureFiles(invocation.value('signature') ?? '', manifest)) {
      const signature = await readInput(file, 'signature', io);
      const expected = reference === undefined ? {} : { expectedReference: reference };
      const question = { manifest, keys: keyring, signature, nowMs, ...expected };
      answers.push({ file, answer: verifySignature(question) });
    }
    const style = styleOf(io, invocation.value('color'));
    const list = {
      apiVersion: API_VERSION,
      kind: 'SignatureVerdictList',
      items: answers.map(({ file, answer }) => ({ file, ...answer })),
    };
    io.stdout.write(
      documentText(list, invocation.value('output'), () => {
        return answers.map((one) => peopleText(one, style)).join('');
      }),
    );
    return answers.some(({ answer }) => answer.accepted) ? EXIT.clean : EXIT.findings;
  },
};

async function readManifest(
  invocation: Invocation,
  io: Io,
): Promise<Uint8Array | { readonly digest: string }> {
  const [file, digest] = [invocation.value('manifest'), invocation.value('digest')];
  if (file !== undefined && digest === undefined) return await readInput(file, 'manifest', io);
  if (digest === undefined || file !== undefined) {
    throw usageError('expected either --manifest or --digest', {
      next: 'nodeseal verify-signature --help',
    });
  }
  if (parseDigest(digest) === undefined) {
    throw usageError(`--digest ${digest} is no digest`, { next: 'sha256: and 64 hex digits' });
  }
  return { digest };
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(ms)) {
    throw usageError(`--at ${text} is no time`, { next: 'write it as 2026-11-21T12:00:00Z' });
  }
  return ms;
}

/** The one file, or those of a folder that are for this manifest. */
async function signatureFiles(
  path: string,
  manifest: Uint8Array | { readonly digest: string },
): Promise<readonly string[]> {
  const what = `cannot read the signature ${path}`;
  try {
    if (!(await stat(path)).isDirectory()) return [path];
  } catch (cause) {
    throw fileError(cause, what);
  }
  const digest = digestOf(manifest);
  // A folder may be named as `.`; its name tells whose signatures it holds.
  const found = await findSignatures(
    async (folder) => await listFolder(folder, what),
    resolve(path),
    digest,
  );
  if (found.kind === 'found') return found.files;
  if (found.kind === 'other-digest') {
    throw new CliError('ERR_CLI_INPUT', `${path} holds signatures of another image`, {
      why: `its name says ${found.digest}, asked was ${digest}`,
      next: 'name the folder that holds sha256=<hex> for every digest, or the one of this digest',
    });
  }
  throw new CliError('ERR_CLI_NOT_FOUND', `no signature of ${digest} in ${path}`, {
    why: `looked for ${found.looked.join(', ')}`,
  });
}

async function listFolder(folder: string, what: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // readdir rejects with the system's error
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError(cause, what);
  }
}

function digestOf(manifest: Uint8Array | { readonly digest: string }): string {
  if (!(manifest instanceof Uint8Array)) return manifest.digest;
  try {
    return manifestDigest(manifest);
  } catch (cause) {
    throw new CliError('ERR_CLI_INPUT', 'the manifest has no digest to look for', {
      why: messageOf(cause),
      cause,
    });
  }
}

function peopleText({ file, answer }: FileAnswer, style: Style): string {
  const { good, bad } = style.symbols;
  const name = safeText(file);
  if (!answer.accepted) {
    const claims = answer.untrustedClaims;
    const said =
      claims === undefined
        ? []
        : [`  it says, but nobody vouches for it: ${claims.digest} as ${claims.reference}`];
    const head = `${style.paint(`${bad} REFUSED`, 'bad')}  ${name}: ${safeText(answer.message)}`;
    return [head, ...said.map(safeText)].map((line) => `${line}\n`).join('');
  }
  return [
    `${style.paint(`${good} VERIFIED`, 'good')}  ${name}`,
    `  fingerprint  ${answer.fingerprint}`,
    `  digest       ${answer.digest}`,
    `  reference    ${safeText(answer.reference)}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}
