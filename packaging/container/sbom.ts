import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { uuidOf } from '../../shared/exports/uuid.ts';

/** What `npm sbom` writes and is not the same each time, or names the folder it ran in. */
interface Bom {
  readonly metadata: { readonly component: object } & Readonly<Record<string, unknown>>;
  readonly components: readonly { readonly purl: string }[];
}

/**
 * `npm sbom --sbom-format=cyclonedx | node packaging/container/sbom.ts`: the same contents give the same bytes. The
 * serial number is that of the contents, and the moment of writing is left out.
 */
const bom = JSON.parse(await text(process.stdin)) as Bom;
const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly name: string };
const { timestamp: _, ...metadata } = bom.metadata;
const contents = bom.components.map(({ purl }) => purl).toSorted();
const stable = {
  ...bom,
  serialNumber: `urn:uuid:${uuidOf('sbom', ...contents)}`,
  metadata: { ...metadata, component: { ...metadata.component, name } },
};
process.stdout.write(`${JSON.stringify(stable, null, 2)}\n`);
