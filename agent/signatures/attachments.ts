import { hash } from 'node:crypto';
import * as v from 'valibot';
import { parseDigest } from '../../shared/trust/digest.ts';
import { MANIFEST_TYPE } from '../../shared/trust/manifest.ts';
import type { Reference } from '../../shared/trust/reference.ts';
import { attachmentTag } from '../../shared/trust/registries-d.ts';
import { type HttpAnswer, unexpectedStatus } from './http.ts';
import { readJsonObject } from './json-body.ts';
import type { RegistryClient } from './registry-client.ts';
import { SIGNATURE_LIMITS } from './source.ts';
import { SourceError } from './source-error.ts';

const manifest = v.object({
  layers: v.nullish(
    v.array(
      v.object({
        mediaType: v.nullish(v.string()),
        digest: v.string(),
        annotations: v.nullish(v.record(v.string(), v.string())),
      }),
    ),
  ),
});
type Layer = NonNullable<NonNullable<v.InferOutput<typeof manifest>['layers']>>[number];

const errors = v.object({
  errors: v.array(v.object({ code: v.nullish(v.string()), message: v.nullish(v.string()) })),
});
/** As containers/image. */
const MANIFEST_BYTES = 4 * 1024 * 1024;

/**
 * Sigstore attachments of a manifest, in stored form: each layer of the OCI manifest under the tag `sha256-….sig` of
 * the same repository, whatever it is. No such manifest is a normal answer. Throws `SourceError`.
 */
export async function* readAttachments(
  registry: RegistryClient,
  { path }: Reference,
  manifestDigest: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const tag = attachmentTag(manifestDigest);
  if (tag === undefined) return;
  const request = { path: `/v2/${path}/manifests/${tag}`, limitBytes: MANIFEST_BYTES };
  const answer = await registry.request({ ...request, isManifest: true }, signal);
  if (isUnknownManifest(answer)) return;
  if (answer.status !== 200) throw unexpectedStatus(answer.url, answer);
  for (const layer of layersIn(answer, tag)) {
    const payload = await readLayer(registry, path, layer.digest, signal);
    const { mediaType, annotations } = layer;
    const record = {
      mimeType: mediaType ?? '',
      payload: payload.toString('base64'),
      annotations: annotations ?? {},
    };
    yield Buffer.from(`\0sigstore-json\n${JSON.stringify(record)}`);
  }
}

async function readLayer(
  registry: RegistryClient,
  repository: string,
  digest: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const parsed = parseDigest(digest);
  if (parsed === undefined)
    throw refused(`layer ${JSON.stringify(digest.slice(0, 80))}: no digest`);
  const path = `/v2/${repository}/blobs/${digest}`;
  const answer = await registry.request({ path, limitBytes: SIGNATURE_LIMITS.bytes }, signal);
  if (answer.status !== 200) throw unexpectedStatus(answer.url, answer);
  if (hash(parsed.algorithm, answer.body) !== parsed.hex) {
    throw refused(`layer ${digest}: the content has another digest`);
  }
  return answer.body;
}

function layersIn({ headers, body }: HttpAnswer, tag: string): readonly Layer[] {
  const [type = ''] = [headers['content-type']].flat();
  const mediaType = type.split(';')[0]?.trim();
  if (mediaType !== MANIFEST_TYPE.ociManifest) {
    const found = JSON.stringify(type.slice(0, 100));
    throw refused(`${tag}: expected ${MANIFEST_TYPE.ociManifest}, found ${found}`);
  }
  const parsed = v.safeParse(manifest, readJsonObject(body.toString()));
  if (!parsed.success) throw refused(`${tag}: expected an OCI manifest`);
  return parsed.output.layers ?? [];
}

/**
 * That there is no such manifest, as registries say it: the code of the specification, a bare 404, or the words of
 * registry.redhat.io and Harbor. A repository that is unknown altogether is another answer.
 */
function isUnknownManifest({ status, body }: HttpAnswer): boolean {
  if (status < 400 || status > 499) return false;
  const parsed = v.safeParse(errors, readJsonObject(body.toString()));
  const [first] = parsed.success ? parsed.output.errors : [];
  if (first === undefined) return status === 404;
  const { code, message } = first;
  if (code === 'MANIFEST_UNKNOWN') return true;
  return code === 'UNKNOWN' && message?.toLowerCase().includes('not found') === true;
}

function refused(message: string): SourceError {
  return new SourceError('ERR_SOURCE_REFUSED', `sigstore attachments: ${message}`);
}
