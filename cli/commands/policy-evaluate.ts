import { openHost } from '../../agent/host.ts';
import { fileReader, readLookaside } from '../../agent/signatures/lookaside.ts';
import { SourceError } from '../../agent/signatures/source-error.ts';
import { API_VERSION } from '../../shared/api.ts';
import { readRegular } from '../../shared/read-file.ts';
import { safeText } from '../../shared/safe-text.ts';
import { ManifestError, manifestDigest } from '../../shared/trust/manifest.ts';
import { parseReference, referenceText, withDefaultTag } from '../../shared/trust/reference.ts';
import { lookupRegistriesD } from '../../shared/trust/registries-d.ts';
import { evaluateImage, isUnenforced } from '../../shared/trust/verdict.ts';
import type {
  CandidateImage,
  PolicyVerdict,
  RequirementVerdict,
} from '../../shared/trust/verdict-types.ts';
import { requirementText, scopeText, signatureText } from '../../shared/trust-text.ts';
import type { Command, Invocation } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../files.ts';
import { IMAGE_LIBRARY_OPTION, readImageLibrary } from '../image-library.ts';
import type { Io } from '../io.ts';
import { outputOption, POLICY_OPTION, REGISTRIES_D_OPTION } from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import {
  orBadReference,
  readImageName,
  readPolicyFile,
  readRegistriesDFolder,
} from '../policy-files.ts';

/** Of a key file: whoever wrote the policy named it. */
const KEY_LIMIT_BYTES = 16 * 1024 * 1024;

export const policyEvaluate: Command = {
  description: `Says whether a policy accepts an image: the answer of containers/image for this manifest, under this reference, with
these signatures. Key files that the policy names are read from this machine; nothing is fetched.

Exit code 0: accepted. 1: rejected. 7: the policy is not valid.`,
  arguments: [],
  options: [
    POLICY_OPTION,
    { flags: '--manifest <file>', description: 'the manifest of the image', required: true },
    {
      flags: '--reference <image>',
      description: 'the name the image is used by: transport:reference, or a Docker reference',
      required: true,
    },
    {
      flags: '--signature <file>',
      description: 'a simple signature, as stored; may be repeated',
      repeatable: true,
    },
    {
      flags: '--sigstore <file>',
      description: 'a sigstore signature: JSON of mimeType, payload, annotations; may be repeated',
      repeatable: true,
    },
    IMAGE_LIBRARY_OPTION,
    REGISTRIES_D_OPTION,
    outputOption(DOCUMENT_FORMATS),
  ],
  examples: [
    {
      line: 'nodeseal policy evaluate --policy policy.json --manifest m.json --reference quay.io/team/app:v1 --signature sig-1',
      meaning: 'is this image accepted, and by whose signature',
    },
  ],
  async run(invocation, io) {
    const policy = await readPolicyFile(invocation.value('policy') ?? '', io);
    const image = await readImage(invocation, io).catch(orBadReference);
    const verdict = await evaluateImage(image, policy, {
      readFile: async (path) => await readRegular(path, KEY_LIMIT_BYTES),
      nowMs: io.nowMs(),
      ...readImageLibrary(invocation.value('image-library')),
    }).catch(orBadReference);
    const answer = {
      apiVersion: API_VERSION,
      kind: 'PolicyVerdict',
      verdict: verdict.allowed ? 'accepted' : 'rejected',
      // Accepted because nothing was asked is not verified.
      enforced: !isUnenforced(verdict),
      ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
      ...(verdict.message === undefined ? {} : { message: verdict.message }),
      scope: scopeText(verdict.scope),
      requirements: verdict.requirements.map(({ requirement, ...rest }) => ({
        type: requirement.type,
        ...rest,
      })),
      signedBy: verdict.signedBy,
    };
    const style = styleOf(io, invocation.value('color'));
    io.stdout.write(
      documentText(answer, invocation.value('output'), () => peopleText(verdict, style)),
    );
    return verdict.allowed ? EXIT.clean : EXIT.findings;
  },
};

/** Transports whose references are Docker references, so that identity rules can be asked. */
const DOCKER_NAMED: ReadonlySet<string> = new Set(['docker', 'atomic', 'docker-daemon']);

async function readImage(invocation: Invocation, io: Io): Promise<CandidateImage> {
  const { transport, reference } = readImageName(invocation.value('reference') ?? '');
  const manifest = await readInput(invocation.value('manifest') ?? '', 'manifest', io);
  const docker = DOCKER_NAMED.has(transport)
    ? withDefaultTag(parseReference(reference))
    : undefined;
  const given = await readAll(invocation.values('signature'), io);
  const sigstore = (await readAll(invocation.values('sigstore'), io)).map(asStored);
  const folder = invocation.value('registries-d');
  if (folder !== undefined && docker === undefined) {
    throw usageError(`--registries-d says nothing of ${transport}: images`, {});
  }
  const stored =
    folder === undefined || docker === undefined
      ? []
      : await readStored(folder, referenceText(docker), manifest, io);
  return {
    transport,
    policyReference: reference,
    ...(docker === undefined ? {} : { dockerReference: referenceText(docker) }),
    manifest,
    signatures: [...stored, ...given, ...sigstore],
  };
}

async function readAll(files: readonly string[], io: Io): Promise<readonly Uint8Array[]> {
  const contents: Uint8Array[] = [];
  for (const file of files) contents.push(await readInput(file, 'signature', io));
  return contents;
}

/** A sigstore signature in the form of a store, containers-signature(5) beside simple signing. */
function asStored(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0 ? bytes : Buffer.concat([Buffer.from('\0sigstore-json\n'), bytes]);
}

/** The signatures in the lookaside that registries.d names, when it is a folder: nothing is fetched. */
async function readStored(
  folder: string,
  reference: string,
  manifest: Uint8Array,
  io: Io,
): Promise<readonly Uint8Array[]> {
  const registries = await readRegistriesDFolder(folder, io);
  const name = parseReference(reference);
  try {
    const { lookaside } = lookupRegistriesD(registries, name);
    const readers = { file: fileReader(openHost('/')) };
    const digest = manifestDigest(manifest);
    return await Array.fromAsync(readLookaside(lookaside.base, name, digest, readers, io.signal));
  } catch (cause) {
    if (!(cause instanceof SourceError) && !(cause instanceof ManifestError)) throw cause;
    throw new CliError('ERR_CLI_INPUT', 'the signatures of this image cannot be read', {
      why: cause.message,
      next: 'give them with --signature',
      cause,
    });
  }
}

function peopleText(verdict: PolicyVerdict, style: Style): string {
  const { symbols } = style;
  const { allowed, message, scope, requirements } = verdict;
  const head = !allowed
    ? style.paint(`${symbols.bad} REJECTED`, 'bad')
    : isUnenforced(verdict)
      ? style.paint(`${symbols.warn} UNENFORCED`, 'warn')
      : style.paint(`${symbols.good} ACCEPTED`, 'good');
  const why = allowed ? 'no signature was asked for' : (message ?? '');
  const lines = [
    allowed && !isUnenforced(verdict) ? head : `${head}  ${safeText(why)}`,
    `scope: ${safeText(scopeText(scope))}`,
    ...requirements.flatMap((requirement) => requirementLines(requirement, style)),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function requirementLines(verdict: RequirementVerdict, style: Style): readonly string[] {
  const { requirement, satisfied, message, signatures } = verdict;
  const { good, bad } = style.symbols;
  const why = satisfied || message === undefined ? '' : `: ${message}`;
  const mark = style.paint(
    satisfied ? `${good} met` : `${bad} not met`,
    satisfied ? 'good' : 'bad',
  );
  return [
    `  ${mark}  ${safeText(requirementText(requirement) + why)}`,
    ...signatures.map((signature) => `    ${safeText(signatureText(signature))}`),
  ];
}
