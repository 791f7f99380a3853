import { type NodeTrust, readNodeTrust } from '../../agent/trust.ts';
import { keyPathsOf } from '../../agent/trust-keys.ts';
import { API_VERSION } from '../../shared/api.ts';
import { decodeBase64 } from '../../shared/trust/base64.ts';
import { importedKeys } from '../../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../../shared/trust/openpgp/keys.ts';
import type { PolicyRequirement } from '../../shared/trust/policy-types.ts';
import type { RegistriesDSection } from '../../shared/trust/registries-d-file.ts';
import type { Command } from '../command.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { openHostRoot } from '../host-root.ts';
import type { Io } from '../io.ts';
import { HOST_ROOT_OPTION, NO_HEADERS_OPTION, outputOption } from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { jsonText } from '../output/json.ts';
import { listText } from '../output/list.ts';
import { safeText } from '../output/safe.ts';
import { yamlText } from '../output/yaml.ts';

/** One requirement of one scope, with all that the node declares about it. */
interface TrustItem {
  /** `all` for the policy's own default, as podman calls it. */
  readonly transport: string;
  /** `default` for the policy's own; '' for that of a transport. */
  readonly scope: string;
  readonly type: PolicyRequirement['type'];
  readonly requirement: PolicyRequirement;
  /** OpenPGP fingerprints of the keys it names, as far as they can be read now. */
  readonly keys: readonly string[];
  /** Key files that cannot be read, with the reason: the requirement cannot be met. */
  readonly unreadable: readonly string[];
  readonly lookaside: string | null;
  readonly lookasideStaging: string | null;
  readonly useSigstoreAttachments: boolean | null;
}

const PRESENTATION: Presentation<TrustItem> = {
  resource: 'scope',
  nameOf: ({ transport, scope }) => `${transport}/${scope}`,
  columns: [
    { header: 'TRANSPORT', key: 'transport', value: ({ transport }) => transport },
    { header: 'NAME', key: 'scope', value: ({ scope }) => scope || '""', shrink: 'start' },
    {
      header: 'TYPE',
      key: 'type',
      value: ({ type }) => type,
      tone: ({ type }) => (type === 'insecureAcceptAnything' ? 'warn' : undefined),
    },
    {
      header: 'ID',
      key: 'keys',
      value: idText,
      shrink: 'end',
    },
    {
      header: 'STORE',
      key: 'lookaside',
      value: ({ lookaside }) => lookaside,
      shrink: 'start',
    },
    {
      header: 'IDENTITY',
      key: 'signedIdentity',
      value: ({ requirement }) =>
        'signedIdentity' in requirement ? requirement.signedIdentity.type : null,
      wide: true,
    },
    {
      header: 'STAGING',
      key: 'lookasideStaging',
      value: ({ lookasideStaging }) => lookasideStaging,
      wide: true,
    },
    {
      header: 'ATTACHMENTS',
      key: 'useSigstoreAttachments',
      value: ({ useSigstoreAttachments }) => useSigstoreAttachments,
      wide: true,
    },
    {
      header: 'REQUIREMENT',
      key: 'requirement',
      value: ({ requirement }) => JSON.stringify(requirement),
      wide: true,
    },
  ],
};

/** Fingerprints; behind `!` what keeps the requirement from being met. */
function idText({ type, keys, unreadable }: TrustItem): string | null {
  const isKeyless = type === 'signedBy' && keys.length === 0 && unreadable.length === 0;
  const obstacles = isKeyless ? ['no-usable-key'] : unreadable;
  return [...keys, ...obstacles.map((obstacle) => `!${obstacle}`)].join(',') || null;
}

export const trustShow: Command = {
  description: `Shows which images this node trusts and by whose signature, as 'podman image trust show', with every field: the policy in
force for root, a row for each requirement of each scope, and what registries.d says for the same scope.

Exit code 7: the policy or registries.d is not valid, so that the node's tools refuse to use any image.`,
  arguments: [],
  options: [HOST_ROOT_OPTION, outputOption(), NO_HEADERS_OPTION],
  examples: [
    { line: 'nodeseal trust show', meaning: 'the policy of this node' },
    { line: 'nodeseal trust show --host-root /host -o json', meaning: 'every field of every rule' },
  ],
  async run(invocation, io) {
    const host = await openHostRoot(invocation.value('host-root') ?? '/');
    const trust = await readNodeTrust(host);
    const items = await readItems(trust, io.nowMs());
    const { policy: _, ...policy } = trust.policy;
    const { registries: __, ...registriesD } = trust.registriesD;
    const list = {
      apiVersion: API_VERSION,
      kind: 'TrustList',
      policy,
      registriesD,
      crio: trust.crio,
      items,
    };
    const output = invocation.value('output') ?? 'table';
    if (output === 'json') io.stdout.write(jsonText(list));
    else if (output === 'yaml') io.stdout.write(yamlText(list));
    else if (isFormat(output)) {
      const style = styleOf(io, invocation.value('color'));
      const headers = !invocation.flag('no-headers');
      io.stdout.write(listText(list, PRESENTATION, output, style, headers));
    }
    return reportProblems(trust, io);
  },
};

async function readItems(trust: NodeTrust, nowMs: number): Promise<readonly TrustItem[]> {
  const { policy } = trust.policy;
  if (policy === undefined) return [];
  const registries = trust.registriesD.registries;
  const rows: (readonly [string, string, PolicyRequirement])[] = [];
  for (const requirement of policy.default) rows.push(['all', 'default', requirement]);
  for (const [transport, scopes] of policy.transports) {
    for (const [scope, requirements] of scopes) {
      for (const requirement of requirements) rows.push([transport, scope, requirement]);
    }
  }
  return await Promise.all(
    rows.map(async ([transport, scope, requirement]) => {
      const section = transport === 'docker' ? registries?.docker.get(scope) : undefined;
      const isDefault = transport === 'all' || (transport === 'docker' && section === undefined);
      return {
        transport,
        scope,
        type: requirement.type,
        requirement,
        ...(await readKeys(requirement, trust, nowMs)),
        ...storageOf(section ?? (isDefault ? registries?.defaultDocker : undefined)),
      };
    }),
  );
}

function storageOf(
  section: RegistriesDSection | undefined,
): Pick<TrustItem, 'lookaside' | 'lookasideStaging' | 'useSigstoreAttachments'> {
  return {
    lookaside: section?.lookaside ?? section?.sigstore ?? null,
    lookasideStaging: section?.lookasideStaging ?? section?.sigstoreStaging ?? null,
    useSigstoreAttachments: section?.useSigstoreAttachments ?? null,
  };
}

async function readKeys(
  requirement: PolicyRequirement,
  trust: NodeTrust,
  nowMs: number,
): Promise<Pick<TrustItem, 'keys' | 'unreadable'>> {
  const files = keyPathsOf(requirement).map((path) => trust.keyFiles.get(path));
  const unreadable = files.flatMap((file) =>
    file?.bytes === undefined && file !== undefined ? [file.path] : [],
  );
  if (requirement.type !== 'signedBy') return { keys: [], unreadable };
  const inline = requirement.keyData === undefined ? undefined : decodeBase64(requirement.keyData);
  const contents = [...files.map((file) => file?.bytes), inline].filter(
    (bytes) => bytes !== undefined,
  );
  const keyring = await loadKeys(contents);
  const keys = importedKeys(keyring, Math.floor(nowMs / 1000)).map((key) => key.toUpperCase());
  return { keys, unreadable };
}

function reportProblems({ policy, registriesD }: NodeTrust, io: Io): ExitCode {
  const problems = [policy.problem, registriesD.problem].filter((one) => one !== undefined);
  for (const { path, line, column, message } of problems) {
    const place = line === undefined ? path : `${path}:${line}:${column}`;
    io.stderr.write(`error: ${safeText(place)} cannot be used\n  why: ${safeText(message)}\n`);
  }
  return problems.length === 0 ? EXIT.clean : EXIT.inputInvalid;
}
