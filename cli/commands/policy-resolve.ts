import { API_VERSION } from '../../shared/api.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { PolicyRequirement } from '../../shared/trust/policy-types.ts';
import { parseReference, referenceText, withDefaultTag } from '../../shared/trust/reference.ts';
import { lookupRegistriesD } from '../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../shared/trust/registries-d-file.ts';
import { findScope } from '../../shared/trust/scope.ts';
import { requirementText, scopeText } from '../../shared/trust-text.ts';
import type { Command } from '../command.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exit.ts';
import { outputOption, POLICY_OPTION, REGISTRIES_D_OPTION } from '../options.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';
import {
  orBadReference,
  readImageName,
  readPolicyFile,
  readRegistriesDFolder,
} from '../policy-files.ts';

/** Which rules speak for an image, and where its signatures would be looked for. */
export interface PolicyResolution {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'PolicyResolution';
  readonly transport: string;
  /** Completed: with host, `library/` and `latest` where the transport adds them. */
  readonly reference: string;
  /** `docker "quay.io/x"` or `default`. */
  readonly scope: string;
  /** Scopes tried before, in order. */
  readonly passedOver: readonly string[];
  readonly requirements: readonly PolicyRequirement[];
  /** null when no registries.d was given, and for transports that have none. `file` null: built into the library. */
  readonly lookaside: { readonly url: string; readonly file: string | null } | null;
  readonly useSigstoreAttachments: boolean;
}

export const policyResolve: Command = {
  description: `Says which entry of a policy speaks for an image, as containers-policy.json(5), and with --registries-d where its
signatures are looked for, as containers-registries.d(5). Nothing is fetched.`,
  arguments: [
    { name: 'IMAGE', description: 'transport:reference, or a Docker reference', required: true },
  ],
  options: [POLICY_OPTION, REGISTRIES_D_OPTION, outputOption(DOCUMENT_FORMATS)],
  examples: [
    {
      line: 'nodeseal policy resolve --policy policy.json docker://quay.io/team/app:v1',
      meaning: 'the scope that applies and what it asks for',
    },
    {
      line: 'nodeseal policy resolve --policy policy.json --registries-d registries.d -o json quay.io/team/app',
      meaning: 'with the lookaside, for a script',
    },
  ],
  async run(invocation, io) {
    const [image = ''] = invocation.positional;
    const policy = await readPolicyFile(invocation.value('policy') ?? '', io);
    const folder = invocation.value('registries-d');
    const registries = folder === undefined ? undefined : await readRegistriesDFolder(folder, io);
    const resolution = resolve(image, (transport, reference) => {
      const found = findScope(policy, transport, reference);
      const name = transport === 'docker' ? withDefaultTag(parseReference(reference)) : undefined;
      const storage = registries && name && lookupRegistriesD(registries, name);
      return {
        apiVersion: API_VERSION,
        kind: 'PolicyResolution',
        transport,
        reference: name === undefined ? reference : referenceText(name),
        scope: scopeText(found),
        passedOver: found.passedOver,
        requirements: found.requirements,
        lookaside: storage
          ? { url: storage.lookaside.base, file: storage.lookaside.file ?? null }
          : null,
        useSigstoreAttachments: storage?.useSigstoreAttachments ?? false,
      };
    });
    io.stdout.write(
      documentText(resolution, invocation.value('output'), () => peopleText(resolution)),
    );
    return EXIT.clean;
  },
};

function resolve(
  image: string,
  look: (transport: string, reference: string) => PolicyResolution,
): PolicyResolution {
  try {
    const { transport, reference } = readImageName(image);
    return look(transport, reference);
  } catch (error) {
    if (error instanceof RegistriesDError) {
      throw new CliError('ERR_CLI_INPUT', 'registries.d names no address that can be used', {
        why: error.message,
        cause: error,
      });
    }
    return orBadReference(error);
  }
}

function peopleText(resolution: PolicyResolution): string {
  const { transport, reference, scope, passedOver, requirements, lookaside } = resolution;
  const lines: (readonly [string, string])[] = [
    ['Image', `${transport} ${reference}`],
    ['Scope', scope],
    ...requirements.map((requirement) => ['Asks for', requirementText(requirement)] as const),
    ['Tried before', passedOver.map((name) => JSON.stringify(name)).join(', ') || '-'],
  ];
  if (lookaside !== null) {
    lines.push(['Lookaside', `${lookaside.url} (${lookaside.file ?? 'built in'})`]);
    lines.push(['Attachments', resolution.useSigstoreAttachments ? 'used' : 'not used']);
  }
  return lines.map(([name, text]) => `${`${name}:`.padEnd(14)}${safeText(text)}\n`).join('');
}
