import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openHost } from '../../agent/host.ts';
import { fileReader, readLookaside } from '../../agent/signatures/lookaside.ts';
import { messageOf } from '../../shared/errors.ts';
import { parsePolicy } from '../../shared/trust/policy.ts';
import { parseReference, withDefaultTag } from '../../shared/trust/reference.ts';
import { lookupRegistriesD, parseRegistriesD } from '../../shared/trust/registries-d.ts';
import { readSignatureBlob } from '../../shared/trust/signature-blob.ts';
import { evaluateImage } from '../../shared/trust/verdict.ts';
import { digestOf } from '../support/registry.ts';
import type { Scene } from './world.ts';

/** What our engine says of a scene, by the functions the agent itself calls. */
export async function judgeOurselves(
  scene: Scene,
): Promise<{ readonly accepted: boolean; readonly message: string }> {
  const { reference: text, manifest } = scene;
  try {
    const reference = withDefaultTag(parseReference(text));
    const files = new Map(
      readdirSync(scene.registriesD)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => [name, readFileSync(join(scene.registriesD, name))] as const),
    );
    const { lookaside } = lookupRegistriesD(parseRegistriesD(files), reference);
    const readers = { file: fileReader(openHost('/')) };
    const signatures: Uint8Array[] = [];
    const signal = AbortSignal.timeout(10_000);
    const digest = digestOf(manifest);
    for await (const blob of readLookaside(lookaside.base, reference, digest, readers, signal)) {
      readSignatureBlob(blob);
      signatures.push(blob);
    }
    const image = {
      transport: 'docker',
      policyReference: text,
      dockerReference: text,
      manifest,
      signatures,
    };
    const verdict = await evaluateImage(image, parsePolicy(readFileSync(scene.policyFile)), {
      readFile: (path) => readFile(path),
      nowMs: Date.now(),
      // The skopeo of Debian 12 has containers/image 5.23.
      signingSubkeys: false,
    });
    return { accepted: verdict.allowed, message: verdict.message ?? '' };
  } catch (error) {
    // A configuration or a signature that spoils the pull.
    return { accepted: false, message: messageOf(error) };
  }
}
