import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withRoot } from '../conformance/kind.ts';
import { MANIFEST, REFERENCE } from '../support/sigstore.ts';
import { tableFile, tableInputs } from './cases.ts';
import { mutateScenario } from './mutate-scenario.ts';
import { checkScenario, filesOf, type Question, type Scenario, scenariosOf } from './scenario.ts';
import type { PreparedTarget } from './target.ts';

/** What a case of the tables of verdicts asks. */
interface TableQuestion {
  readonly policy: object;
  readonly image: {
    readonly transport: string;
    readonly reference: string;
    readonly dir?: string;
    readonly manifest?: string;
    readonly signatures?: readonly { readonly file: string; readonly raw?: boolean }[];
  };
}

/** A target that judges whole images: own questions, and those of a table of verdicts. */
export async function verificationTarget(
  own: readonly (Question & { readonly isHopeless?: boolean })[],
  conformance: string | undefined,
  kind: string,
): Promise<PreparedTarget> {
  const cases = await tableInputs<TableQuestion>(conformance, kind);
  const theirs = await Promise.all(
    cases
      .filter(({ input }) => input.image.transport === 'docker')
      .map(({ input }) => questionOf(input, conformance ?? '')),
  );
  const scenarios = [...(await scenariosOf(own)), ...(await scenariosOf(theirs))];
  return {
    corpus: scenarios.map((scenario) => Buffer.from(JSON.stringify(scenario))),
    mutate: mutateScenario,
    // what is checked is what the corpus is written as
    check: (input) => checkScenario(JSON.parse(Buffer.from(input).toString()) as Scenario),
  };
}

/** An own question about the usual manifest. */
export function question(
  requirement: object,
  signatures: readonly Uint8Array[],
  files: Readonly<Record<string, string>>,
): Question {
  return {
    policy: JSON.stringify({
      default: [{ type: 'reject' }],
      transports: { docker: { '': [requirement] } },
    }),
    reference: REFERENCE,
    manifest: MANIFEST.toString('base64'),
    signatures: signatures.map((one) => Buffer.from(one).toString('base64')),
    files: Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path, Buffer.from(text).toString('base64')]),
    ),
  };
}

async function questionOf({ policy, image }: TableQuestion, root: string): Promise<Question> {
  const text = withRoot(JSON.stringify(policy), root);
  const folder = image.dir;
  const files =
    folder === undefined
      ? (image.signatures ?? [])
      : readdirSync(join(root, folder))
          .filter((name) => name.startsWith('signature-'))
          .sort()
          .map((name) => ({ file: join(folder, name), raw: false }));
  const manifest = folder === undefined ? (image.manifest ?? '') : join(folder, 'manifest.json');
  const signatures = files.map(async ({ file, raw }) => {
    const bytes = Buffer.from(await tableFile(root, file));
    const whole = raw === true ? Buffer.concat([Buffer.from('\0simple-signing\n'), bytes]) : bytes;
    return whole.toString('base64');
  });
  return {
    policy: text,
    reference: image.reference.replace(/^\/\//, ''),
    manifest: Buffer.from(await tableFile(root, manifest)).toString('base64'),
    signatures: await Promise.all(signatures),
    files: await filesOf(text, root),
  };
}
