import { parseDigest } from '../digest.ts';
import { isImageId } from '../policy-scope-syntax.ts';

/**
 * The scopes that are asked after this one, most exact first, whichever image led to it: the tail that every list of
 * `scopeCandidates` has behind this scope. The transport's "" is left out, as it is there. Of a scope that no image
 * leads to the answer means nothing.
 */
export function scopesAbove(transport: string, scope: string): readonly string[] {
  switch (transport) {
    case 'docker':
    case 'docker-daemon':
    case 'atomic':
      return aboveDocker(scope);
    case 'dir':
    case 'sif':
    case 'oci':
    case 'oci-archive':
      return aboveName(scope);
    case 'containers-storage':
      return aboveStored(scope);
    default:
      return [];
  }
}

/** No reference is longer: name of 255, tag of 128, sha512 digest. */
const MAX_DOCKER_SCOPE = 600;

function aboveDocker(scope: string): readonly string[] {
  if (scope.length > MAX_DOCKER_SCOPE) return [];
  if (scope.startsWith('*.')) return wildcardsOf(scope.slice(2));
  const name = repositoryOf(scope.replace(/@.*$/, ''));
  const host = /^[^/:]*/.exec(name)?.[0] ?? '';
  return [...(name === scope ? [] : [name]), ...aboveName(name), ...wildcardsOf(host)];
}

function aboveName(name: string): readonly string[] {
  const names: string[] = [];
  for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
    names.push(name.slice(0, end));
  }
  return names;
}

/** `*.` and each domain above this one. */
function wildcardsOf(domain: string): readonly string[] {
  const labels = domain.split('.');
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
}

/** Without the tag; a colon in a text without a slash is that of a port. */
function repositoryOf(reference: string): string {
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  return colon === -1 || !reference.includes('/') ? reference : reference.slice(0, colon);
}

function aboveStored(scope: string): readonly string[] {
  const [, store = '', name = ''] = /^(\[[^\]]*\])(.*)$/s.exec(scope) ?? [];
  const at = store.indexOf('@');
  if (at === -1) return []; // the form without a driver is the last
  const whole = `[${store.slice(at + 1)}`;
  if (name === '') return [whole];
  return [...aboveNameInStore(name).map((above) => store + above), store, whole];
}

/** `name:tag@digest@id`, then without its id, then without its digest, then without its tag, then the parents. */
function aboveNameInStore(name: string): readonly string[] {
  const last = name.lastIndexOf('@');
  const hasId = isImageId(name.slice(last + 1)) && parseDigest(name.slice(last + 1)) === undefined;
  const reference = last !== -1 && hasId ? name.slice(0, last) : name;
  if (reference === '') return [];
  const [named = ''] = reference.split('@');
  const repository = repositoryOf(named);
  const all = [name, reference, named, repository, ...aboveName(repository)];
  return [...new Set(all)].slice(1);
}
