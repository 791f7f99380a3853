import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseImageName } from '../../../shared/trust/image-name.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import {
  referenceText,
  tryParseReference,
  withDefaultTag,
} from '../../../shared/trust/reference.ts';
import { evaluateImage } from '../../../shared/trust/verdict.ts';
import type { CandidateImage, PolicyVerdict } from '../../../shared/trust/verdict-types.ts';
import { type ConformanceKind, conformanceKind, withRoot } from '../kind.ts';

interface Input {
  readonly policy: object;
  readonly image: {
    readonly transport: string;
    readonly reference: string;
    readonly dir?: string;
    readonly manifest?: string;
    readonly signatures?: readonly { readonly file: string; readonly raw?: boolean }[];
    readonly dockerReference?: string | null;
  };
}

export const simpleSigningVerify: ConformanceKind = conformanceKind(
  'simple-signing-verify',
  async ({ policy, image }: Input, root): Promise<Pick<PolicyVerdict, 'allowed' | 'reason'>> => {
    const candidate = await candidateOf(image, root);
    if (candidate === undefined) return { allowed: false, reason: 'manifest-error' };
    return await evaluateImage(candidate, parsePolicy(withRoot(JSON.stringify(policy), root)), {
      readFile: (path) => readFile(path),
      nowMs: Date.now(),
    });
  },
);

/** Undefined when the image has no manifest to read. */
async function candidateOf(
  image: Input['image'],
  root: string,
): Promise<CandidateImage | undefined> {
  const { transport, reference } = parseImageName(`${image.transport}:${image.reference}`);
  const intended = tryParseReference(reference);
  const manifest = await readOrNothing(
    join(root, image.dir === undefined ? (image.manifest ?? '') : join(image.dir, 'manifest.json')),
  );
  if (manifest === undefined) return undefined;
  return {
    transport,
    policyReference: reference,
    ...(image.dockerReference === null || intended === undefined
      ? {}
      : { dockerReference: referenceText(withDefaultTag(intended)) }),
    manifest,
    signatures:
      image.dir === undefined ? await listed(image, root) : await numbered(join(root, image.dir)),
  };
}

async function readOrNothing(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch {
    return undefined;
  }
}

/** A raw signature comes without recognition of its format, which the explicit form stands for. */
async function listed({ signatures = [] }: Input['image'], root: string): Promise<Uint8Array[]> {
  return await Promise.all(
    signatures.map(async ({ file, raw }) => {
      const bytes = await readFile(join(root, file));
      return raw === true ? Buffer.concat([Buffer.from('\0simple-signing\n'), bytes]) : bytes;
    }),
  );
}

/** The layout of `dir:`: signature-1, signature-2, … up to the first gap. */
async function numbered(folder: string): Promise<Uint8Array[]> {
  const names = new Set(await readdir(folder));
  const signatures: Uint8Array[] = [];
  for (let number = 1; names.has(`signature-${number}`); number++) {
    signatures.push(await readFile(join(folder, `signature-${number}`)));
  }
  return signatures;
}
