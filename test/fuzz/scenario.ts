import { readFile } from 'node:fs/promises';
import { sha256 } from '../../shared/canonical.ts';
import { guessManifestType, MANIFEST_TYPE, manifestDigest } from '../../shared/trust/manifest.ts';
import { readSignedMessage } from '../../shared/trust/openpgp/message.ts';
import { PolicyError, parsePolicy } from '../../shared/trust/policy.ts';
import { diffPolicies } from '../../shared/trust/policy-diff.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import { readSignatureBlob } from '../../shared/trust/signature-blob.ts';
import { readSigstoreBlob } from '../../shared/trust/sigstore/blob.ts';
import { evaluateImage } from '../../shared/trust/verdict.ts';
import type { PolicyVerdict, SignatureVerdict } from '../../shared/trust/verdict-types.ts';

/** A whole question to the judge of images, with what is known of its answer; bytes in base64. */
export interface Scenario {
  readonly policy: string;
  readonly reference: string;
  readonly manifest: string;
  readonly signatures: readonly string[];
  /** What the policy names, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** What it was before mutation. */
  readonly base: { readonly policy: string; readonly isAllowed: boolean };
  /** No change of signatures, keys or manifest can make it right. */
  readonly isHopeless: boolean;
  /** A key file was changed: what had been refused for its key's sake may be right by the other one. */
  readonly isOtherKey?: boolean;
  /** `signer sha256:…` of every content that somebody really signed. */
  readonly signed: readonly string[];
}

export type Question = Pick<Scenario, 'policy' | 'reference' | 'manifest' | 'signatures' | 'files'>;

/** The questions with their answers: everything that the accepted ones show to be signed holds for all of them. */
export async function scenariosOf(
  questions: readonly (Question & { readonly isHopeless?: boolean })[],
): Promise<readonly Scenario[]> {
  const signed = new Set<string>();
  const answered: Omit<Scenario, 'signed'>[] = [];
  for (const { isHopeless = false, ...question } of questions) {
    const verdict = await evaluate(question, parsePolicy(question.policy));
    for (const one of acceptedSignatures(verdict)) signed.add(signedText(question, one));
    if (isHopeless && verdict.allowed) throw new Error('a hopeless case is accepted');
    const base = { policy: question.policy, isAllowed: verdict.allowed };
    answered.push({ ...question, base, isHopeless });
  }
  return answered.map((scenario) => ({ ...scenario, signed: [...signed] }));
}

/** What is wrong with the judge's answer; undefined when nothing is. */
export async function checkScenario(scenario: Scenario): Promise<string | undefined> {
  const policy = parseOrRefuse(scenario.policy);
  if (policy === undefined) return undefined;
  const verdict = await evaluate(scenario, policy);
  const isSamePolicy = scenario.policy === scenario.base.policy;
  if (verdict.allowed && !scenario.base.isAllowed && !isSamePolicy) {
    const changes = diffPolicies({ policy: parsePolicy(scenario.base.policy) }, { policy });
    if (changes.every(({ effect }) => effect !== 'weakened')) {
      return 'a policy that is not weakened accepts what was refused';
    }
  }
  const accepted = acceptedSignatures(verdict);
  if (verdict.allowed && !scenario.base.isAllowed && isSamePolicy && accepted.length === 0) {
    return 'accepted without a signature';
  }
  if (verdict.allowed && isSamePolicy && scenario.isHopeless) return 'a hopeless case is accepted';
  if (scenario.isOtherKey === true && !scenario.base.isAllowed && !scenario.isHopeless) {
    return undefined;
  }
  for (const one of accepted) {
    const wrong = checkSignature(scenario, one);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function checkSignature(scenario: Scenario, one: SignatureVerdict): string | undefined {
  const signed = signedText(scenario, one);
  if (!scenario.signed.includes(signed)) return `accepted what nobody signed: ${signed}`;
  const manifest = Buffer.from(scenario.manifest, 'base64');
  if (one.signedDigest !== manifestDigest(manifest)) return 'accepted for another manifest';
  const isSchema1 = guessManifestType(manifest) === MANIFEST_TYPE.schema1Signed;
  return isSchema1 || one.signedDigest === sha256(manifest)
    ? undefined
    : 'accepted for other bytes';
}

function acceptedSignatures({ requirements }: PolicyVerdict): readonly SignatureVerdict[] {
  return requirements.flatMap(({ signatures }) => signatures.filter(({ accepted }) => accepted));
}

/** Who signed what, by the content of the signature itself. */
function signedText({ signatures }: Question, { index, signer }: SignatureVerdict): string {
  const blob = readSignatureBlob(Buffer.from(signatures[index] ?? '', 'base64'));
  const content =
    blob.format === 'sigstore-json'
      ? readSigstoreBlob(blob.json).payload
      : readSignedMessage(blob.data).untrustedContent;
  return `${signer} ${sha256(content)}`;
}

function evaluate(
  { reference, manifest, signatures, files }: Question,
  policy: Policy,
): Promise<PolicyVerdict> {
  const image = {
    transport: 'docker',
    policyReference: reference,
    dockerReference: reference,
    manifest: Buffer.from(manifest, 'base64'),
    signatures: signatures.map((text) => Buffer.from(text, 'base64')),
  };
  return evaluateImage(image, policy, {
    readFile: async (path) => {
      const content = files[path];
      if (content === undefined) throw new Error(`no file ${path}`);
      return Buffer.from(content, 'base64');
    },
    nowMs: Date.now(),
  });
}

function parseOrRefuse(text: string): Policy | undefined {
  try {
    return parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}

/** The files that a policy of the tables names, by path; those that are not there are left out. */
export async function filesOf(policy: string, root: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [, path = ''] of policy.matchAll(/"(\/[^"]+)"/g)) {
    if (!path.startsWith(root)) continue;
    try {
      files[path] = (await readFile(path)).toString('base64');
    } catch {
      // the case is about a file that is missing
    }
  }
  return files;
}
