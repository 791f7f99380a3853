import * as v from 'valibot';
import { CandidateError, type CheckedCandidate } from './candidate.ts';
import { contentAt, parsed } from './machine-config.ts';
import {
  candidateFromFiles,
  isCandidatePath,
  POLICY_PATH,
  REGISTRIES_D_PATH,
  type WantedFile,
} from './written-files.ts';

const text = v.nullish(v.string());
const contents = v.nullish(
  v.looseObject({ inline: text, source: text, local: text, compression: text }),
);
const file = v.looseObject({ path: v.string(), contents, append: v.optional(v.unknown()) });
const tree = v.looseObject({ path: text, local: text });
const butane = v.looseObject({
  variant: v.string(),
  version: v.string(),
  storage: v.nullish(
    v.looseObject({ files: v.nullish(v.array(file)), trees: v.nullish(v.array(tree)) }),
  ),
});

/**
 * The candidate that a Butane file contains, as `readMachineConfigCandidate`. What Butane would read from beside it (`local`)
 * is refused: only what is written in the file itself is known here. Throws `CandidateError`.
 */
export function readButaneCandidate(name: string, content: string): CheckedCandidate {
  const { storage } = parsed(name, content, butane);
  for (const { path, local } of storage?.trees ?? []) {
    if (!mayHold(path ?? '/')) continue;
    const why = `storage.trees: ${local ?? ''} may hold files of ${path ?? '/'}`;
    throw new CandidateError(name, `${why}: translate it with butane first`);
  }
  const wanted = new Map<string, WantedFile>();
  for (const { path, contents, append } of storage?.files ?? []) {
    if (!isCandidatePath(path)) continue;
    const place = `${name}: ${path}`;
    if (Array.isArray(append) && append.length > 0) {
      throw new CandidateError(place, 'append: what it appends to is not known here');
    }
    wanted.set(path, { path, bytes: bytesOf(place, contents ?? {}) });
  }
  return candidateFromFiles(name, [...wanted.values()]);
}

function bytesOf(
  place: string,
  { inline, source, local, compression }: NonNullable<v.InferOutput<typeof contents>>,
): Uint8Array {
  const given = [inline, source, local].filter((one) => typeof one === 'string');
  if (given.length > 1) {
    throw new CandidateError(place, 'contents: expected one of inline, source and local');
  }
  if (typeof local === 'string') {
    const why = `contents.local: ${local} is a file beside it`;
    throw new CandidateError(place, `${why}: write it inline, or translate it with butane first`);
  }
  // Butane compresses inline content itself; what is written here is plain.
  return typeof inline === 'string' ? Buffer.from(inline) : contentAt(place, source, compression);
}

/** Whether files below a folder may be part of a candidate. */
function mayHold(folder: string): boolean {
  const below = `${folder.replace(/\/+$/, '')}/`;
  return [POLICY_PATH, `${REGISTRIES_D_PATH}/`].some(
    (path) => path.startsWith(below) || below.startsWith(`${REGISTRIES_D_PATH}/`),
  );
}
