import { type LookasideReader, readLookaside } from '../../../agent/signatures/lookaside.ts';
import { SourceError } from '../../../agent/signatures/source.ts';
import { parseReference } from '../../../shared/trust/reference.ts';
import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Response {
  readonly index?: number | 'any';
  readonly status?: number;
  readonly body?: 'signature' | 'empty';
  readonly lookaside?: string;
}
interface Input {
  readonly responses?: readonly Response[];
}

const REFERENCE = parseReference('registry.example.com/team/app:v1');
const DIGEST = `sha256:${'0'.repeat(64)}`;
/** The first byte of an OpenPGP message is all that counts when signatures are fetched. */
const BODIES = { signature: Buffer.of(0xa3, 0x01), empty: Buffer.alloc(0) } as const;

/** What a lookaside's answers come to, whatever carries them: a file that is missing is a 404. */
async function answer({ responses = [] }: Input): Promise<object> {
  let requests = 0;
  const read: LookasideReader = async (address) => {
    requests++;
    const index = Number(/signature-(\d+)$/.exec(address)?.[1]);
    const response = responses.find((one) => one.index === 'any' || one.index === index);
    return response?.status === 200 ? BODIES[response.body ?? 'signature'] : undefined;
  };
  const base = responses.find(({ lookaside }) => lookaside !== undefined)?.lookaside;
  const readers = { file: read };
  const { signal } = new AbortController();
  let signatures = 0;
  try {
    for await (const blob of readLookaside(
      base ?? 'file:///sigstore',
      REFERENCE,
      DIGEST,
      readers,
      signal,
    )) {
      readSignatureBlob(blob);
      signatures++;
    }
    return { signatures, requests };
  } catch (error) {
    if (error instanceof SourceError || error instanceof SignatureError) {
      return { error: true, requests };
    }
    throw error;
  }
}

export const signatureFetch: ConformanceKind = {
  ...conformanceKind('signature-fetch', answer),
  // Other statuses, the registry's API and attachments are answers of a server, which is not asked yet.
  covers: (input) => {
    const { responses } = input as Input; // as the table's `about` says
    return (
      responses?.every(({ lookaside, status }) => lookaside !== undefined || isOfFiles(status)) ===
      true
    );
  },
};

function isOfFiles(status: number | undefined): boolean {
  return status === 200 || status === 404;
}
