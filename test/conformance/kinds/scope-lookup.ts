import { parseImageName } from '../../../shared/trust/image-name.ts';
import { cleanPath } from '../../../shared/trust/policy-scope-syntax.ts';
import type { Policy, PolicyRequirements } from '../../../shared/trust/policy-types.ts';
import { ImageReferenceError } from '../../../shared/trust/reference.ts';
import { findScope } from '../../../shared/trust/scope.ts';
import { scopeCandidates } from '../../../shared/trust/scope-candidates.ts';
import { type ConformanceKind, conformanceKind } from '../kind.ts';

interface Input {
  readonly transport: string;
  readonly reference: string;
  readonly scopes: Readonly<Record<string, readonly string[]>>;
}

/** What the table says of /conf-paths: directories, one link, one file; a last part may be missing. */
const FOLDERS: ReadonlySet<string> = new Set([
  '/',
  '/conf-paths',
  '/conf-paths/a',
  '/conf-paths/a/b',
]);

function resolvePath(path: string): string {
  const resolved = cleanPath(path).replace(/^\/conf-paths\/link(?=\/|$)/, '/conf-paths/a');
  const parent = resolved.replace(/\/[^/]*$/, '') || '/';
  if (!path.startsWith('/') || !FOLDERS.has(parent)) {
    throw new ImageReferenceError(`${path}: no such path in the table`);
  }
  return resolved;
}

const options = { resolvePath };
const requirements: PolicyRequirements = [{ type: 'reject' }];

export const scopeLookup: ConformanceKind = conformanceKind('scope-lookup', (input: Input) => {
  const transports = Object.entries(input.scopes).map(([transport, scopes]) => {
    return [transport, new Map(scopes.map((scope) => [scope, requirements]))] as const;
  });
  const policy: Policy = { default: requirements, transports: new Map(transports) };
  try {
    const { transport, reference } = parseImageName(`${input.transport}:${input.reference}`);
    const { section, ...found } = findScope(policy, transport, reference, options);
    const candidates = scopeCandidates(transport, reference, options);
    return { section, transport: found.transport, scope: found.scope, candidates };
  } catch (error) {
    if (error instanceof ImageReferenceError) return { section: 'invalid-reference' };
    throw error;
  }
});
