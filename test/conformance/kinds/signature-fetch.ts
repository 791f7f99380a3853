import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHost } from '../../../agent/host.ts';
import { Certificates } from '../../../agent/signatures/certificates.ts';
import { HttpReader } from '../../../agent/signatures/http.ts';
import { openSources } from '../../../agent/signatures/index.ts';
import { SourceError } from '../../../agent/signatures/source-error.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { parseReference } from '../../../shared/trust/reference.ts';
import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import {
  attachmentsOf,
  type Content,
  registryAnswers,
  SignatureServer,
} from '../../support/signature-server.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Response {
  readonly index?: number | 'any';
  readonly status?: number;
  readonly body?: 'signature' | 'empty';
  readonly to?: 'signature';
  readonly lookaside?: string;
}
interface Input {
  readonly responses?: readonly Response[];
  readonly registryHeader?: Readonly<Record<string, string>>;
  readonly extensionResponse?: readonly object[];
  readonly attachments?: boolean;
  readonly attachmentManifest?: 'present' | 'absent' | 'docker-schema2';
  readonly payloadDigestMismatch?: boolean;
  readonly lookasideHas?: number;
}

const MANIFEST = Buffer.from('{"schemaVersion":2}');
/** The first byte of an OpenPGP message is all that counts when signatures are fetched. */
const SIGNATURE = Buffer.of(0xa3, 0x01);
const PAYLOAD = Buffer.from('{}');

/** What a pull finds at a real server that gives these answers, all signatures of the image in their order. */
async function answer(input: Input): Promise<object> {
  await using server = await SignatureServer.start(
    registryAnswers({
      manifest: MANIFEST,
      headers: input.registryHeader ?? {},
      extension: extensionOf(input),
      files: lookasideOf(input),
      ...attachedTo(input),
    }),
  );
  const root = await mkdtemp(join(tmpdir(), 'signature-fetch-'));
  try {
    const found = await pull(server, writeFiles(root, configOf(input, server)));
    const requests = server.count('/lookaside/');
    return { ...found, requests, lookasideRequests: requests };
  } finally {
    await rm(root, { recursive: true });
  }
}

async function pull(server: SignatureServer, root: string): Promise<object> {
  const host = openHost(root);
  const network = { http: new HttpReader(), certificates: new Certificates(host) };
  const [source] = openSources(['lookaside', 'registry'], {
    host,
    trust: await readNodeTrust(host),
    store: NO_STORE,
    network,
  });
  const order: string[] = [];
  const query = {
    image: NO_IMAGE,
    manifestDigest: sha256(MANIFEST),
    wantsSigstore: true,
    reference: parseReference(`${server.host}/team/app:v1`),
  };
  const { signal } = new AbortController();
  try {
    for await (const blob of source?.signatures(query, signal) ?? []) {
      const { format } = readSignatureBlob(blob);
      order.push(format === 'sigstore-json' ? 'attachment' : 'lookaside');
    }
    return { signatures: order.length, order };
  } catch (error) {
    if (error instanceof SourceError || error instanceof SignatureError) return { error: true };
    throw error;
  }
}

/** What the sources of servers do not look at. */
const NO_STORE = {
  root: '/',
  driver: 'overlay',
  folders: [],
} as unknown as Parameters<typeof openSources>[1]['store'];
const NO_IMAGE = {} as Parameters<ReturnType<typeof openSources>[number]['signatures']>[0]['image'];

function configOf(
  { responses = [], attachments = false }: Input,
  { host, origin }: SignatureServer,
): Files {
  const base = responses.find(({ lookaside }) => lookaside !== undefined)?.lookaside;
  return {
    '/etc/containers/registries.conf': `[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
    '/etc/containers/registries.d/a.yaml': JSON.stringify({
      docker: {
        [host]: {
          lookaside: base ?? `${origin}/lookaside`,
          'use-sigstore-attachments': attachments,
        },
      },
    }),
  };
}

function lookasideOf({
  responses = [],
  lookasideHas = 0,
}: Input): Readonly<Record<string, Content>> {
  const files: Record<string, Content> = { '/elsewhere': SIGNATURE };
  const whole = responses.some(({ index }) => index === 'any');
  const has = whole ? 200 : lookasideHas;
  for (let index = 1; index <= has; index++) files[`/signature-${index}`] = SIGNATURE;
  for (const { index, status = 404, body, to } of responses) {
    if (typeof index !== 'number') continue;
    const content = body === 'empty' ? Buffer.alloc(0) : SIGNATURE;
    files[`/signature-${index}`] =
      to === undefined ? (status === 200 ? content : status) : '/elsewhere';
  }
  return files;
}

function extensionOf({ extensionResponse = [] }: Input): Buffer {
  const content = SIGNATURE.toString('base64');
  const signatures = extensionResponse.map((item) => ({ name: 'sha256:x@y', content, ...item }));
  return Buffer.from(JSON.stringify({ signatures }));
}

function attachedTo({ attachmentManifest = 'absent', payloadDigestMismatch }: Input): object {
  if (attachmentManifest === 'absent') return {};
  const { blobs, ...manifest } = attachmentsOf([{ payload: PAYLOAD, annotations: {} }]);
  const type =
    attachmentManifest === 'present'
      ? manifest.type
      : 'application/vnd.docker.distribution.manifest.v2+json';
  const digests = Object.keys(blobs);
  const served = payloadDigestMismatch
    ? Object.fromEntries(digests.map((digest) => [digest, Buffer.from('{ }')]))
    : blobs;
  return { attachments: { ...manifest, type }, blobs: served };
}

export const signatureFetch: ConformanceKind = conformanceKind('signature-fetch', answer);
