import { API_VERSION } from '../../shared/api.ts';
import { safeText } from '../../shared/safe-text.ts';
import { PolicyError, parsePolicy } from '../../shared/trust/policy.ts';
import { policyWarnings } from '../../shared/trust/policy-lint.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { PolicyWarning } from '../../shared/trust/policy-warning.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../exit.ts';
import { readInput } from '../files.ts';
import { outputOption } from '../options.ts';
import { type Style, styleOf } from '../output/colour.ts';
import { DOCUMENT_FORMATS, documentText } from '../output/document.ts';

/** Where and why a policy is refused. */
export interface PolicyFault {
  /** Member at fault; '' for the document itself. */
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly reason: string;
  readonly message: string;
}

export interface PolicyValidation {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'PolicyValidation';
  readonly file: string;
  readonly valid: boolean;
  readonly errors: readonly PolicyFault[];
  readonly warnings: readonly PolicyWarning[];
}

export const policyValidate: Command = {
  description: `Says whether containers/image (podman, skopeo, CRI-O) accepts a policy.json, as containers-policy.json(5)
asks, and if not the exact place and reason. Key files are not opened: the real library opens them only when an
image is judged.`,
  arguments: [{ name: 'FILE', description: 'the policy, - for standard input', required: true }],
  options: [outputOption(DOCUMENT_FORMATS)],
  examples: [
    {
      line: 'nodeseal policy validate /etc/containers/policy.json',
      meaning: 'exit 0 when it is accepted, 7 when not',
    },
    {
      line: 'nodeseal policy validate -o json new-policy.json | jq .errors',
      meaning: 'path, line, column and reason for an editor or a pipeline',
    },
  ],
  async run(invocation, io) {
    const [file = ''] = invocation.positional;
    const validation = validate(file, await readInput(file, 'policy', io));
    const style = styleOf(io, invocation.value('color'));
    const text = documentText(validation, invocation.value('output'), () => {
      return peopleText(validation, style);
    });
    io.stdout.write(text);
    return validation.valid ? EXIT.clean : EXIT.inputInvalid;
  },
};

function validate(file: string, bytes: Uint8Array): PolicyValidation {
  const head = { apiVersion: API_VERSION, kind: 'PolicyValidation', file } as const;
  let policy: Policy;
  try {
    policy = parsePolicy(bytes);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return { ...head, valid: false, errors: [faultOf(error)], warnings: [] };
  }
  return { ...head, valid: true, errors: [], warnings: policyWarnings(policy) };
}

/** The parser's error as data; its message begins with the path, which stands by itself here. */
export function faultOf({ path, line, column, reason, message }: PolicyError): PolicyFault {
  const start = `${path}: `;
  const rest = path !== '' && message.startsWith(start) ? message.slice(start.length) : message;
  return { path, line, column, reason, message: rest };
}

function peopleText({ file, errors, warnings, valid }: PolicyValidation, style: Style): string {
  const { symbols } = style;
  const lines = errors.map(({ path, line, column, message }) => {
    const place = safeText(
      `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`,
    );
    return `${style.paint(`${symbols.bad} INVALID`, 'bad')}  ${place}`;
  });
  if (valid) lines.push(`${style.paint(`${symbols.good} VALID`, 'good')}  ${safeText(file)}`);
  for (const { path, message } of warnings) {
    lines.push(
      `${style.paint(`${symbols.warn} WARNING`, 'warn')}  ${safeText(`${path}: ${message}`)}`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}
