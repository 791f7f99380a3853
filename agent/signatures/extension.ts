import * as v from 'valibot';
import { decodeBase64 } from '../../shared/trust/base64.ts';
import type { Reference } from '../../shared/trust/reference.ts';
import { unexpectedStatus } from './http.ts';
import { readJsonObject } from './json-body.ts';
import type { RegistryClient } from './registry-client.ts';
import { SIGNATURE_LIMITS } from './source.ts';
import { SourceError } from './source-error.ts';

const list = v.object({
  signatures: v.nullish(
    v.array(
      v.object({
        schemaVersion: v.nullish(v.pipe(v.number(), v.integer())),
        type: v.nullish(v.string()),
        content: v.nullish(v.string()),
      }),
    ),
  ),
});

/**
 * Signatures that a registry keeps itself, in stored form: the API extension X-Registry-Supports-Signatures. Only
 * items of schema version 2 and type `atomic` count; each is a simple signature, whatever its first byte. Throws
 * `SourceError`.
 */
export async function* readExtension(
  registry: RegistryClient,
  { path }: Reference,
  manifestDigest: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const answer = await registry.request(
    {
      path: `/extensions/v2/${path}/signatures/${manifestDigest}`,
      limitBytes: SIGNATURE_LIMITS.bytes,
    },
    signal,
  );
  if (answer.status !== 200) throw unexpectedStatus(answer.url, answer);
  for (const { schemaVersion, type, content } of itemsIn(answer.body)) {
    const signature = decodeBase64(content ?? '');
    if (signature === undefined) throw refused('content: expected base64');
    if (schemaVersion === 2 && type === 'atomic') {
      yield Buffer.concat([Buffer.from('\0simple-signing\n'), signature]);
    }
  }
}

type Item = NonNullable<v.InferOutput<typeof list>['signatures']>[number];

function itemsIn(body: Buffer): readonly Item[] {
  const parsed = v.safeParse(list, readJsonObject(body.toString()));
  if (!parsed.success) throw refused('expected a list of signatures');
  return parsed.output.signatures ?? [];
}

function refused(message: string): SourceError {
  return new SourceError('ERR_SOURCE_REFUSED', `signatures of the registry: ${message}`);
}
