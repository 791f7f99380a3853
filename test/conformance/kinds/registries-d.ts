import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseReference } from '../../../shared/trust/reference.ts';
import {
  attachmentTag,
  lookupRegistriesD,
  parseRegistriesD,
  repositoryUrl,
  signatureUrl,
} from '../../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../../shared/trust/registries-d-file.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly attachmentTagOf?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly filesFrom?: string;
  readonly reference: string;
  readonly write?: boolean;
  readonly digest?: string;
  readonly index?: number;
}

export const registriesD: ConformanceKind = conformanceKind(
  'registries-d',
  (input: Input, root) => {
    if (input.attachmentTagOf !== undefined)
      return { tag: attachmentTag(input.attachmentTagOf) ?? null };
    const files =
      input.filesFrom === undefined ? input.files : readFolder(join(root, input.filesFrom));
    const names = Object.keys(files ?? {});
    // what a reader of folders finds: a folder with such a name cannot be read as a file
    if (names.some((name) => /\.yaml\//.test(name))) return { error: 'read' };
    const entries = Object.entries(files ?? {}).filter(([name]) => !name.includes('/'));
    try {
      const config = parseRegistriesD(
        new Map(entries.map(([name, text]) => [name, Buffer.from(text)])),
      );
      const reference = parseReference(input.reference);
      const isWriting = input.write ?? false;
      const { lookaside, useSigstoreAttachments } = lookupRegistriesD(config, reference, {
        isWriting,
      });
      const { digest, index = 0 } = input;
      return {
        lookaside: repositoryUrl(lookaside.base, reference),
        attachments: useSigstoreAttachments,
        url:
          digest === undefined
            ? null
            : (signatureUrl(lookaside.base, reference, digest, index) ?? null),
      };
    } catch (error) {
      if (error instanceof RegistriesDError) return { error: error.reason };
      throw error;
    }
  },
);

function readFolder(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
