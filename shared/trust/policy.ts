import { CodedError } from '../errors.ts';
import { JsonError, type JsonNode, type JsonReason, parseJson } from './json.ts';
import { listNode, readMap, readObject, requireMembers } from './json-reader.ts';
import { readRequirement } from './policy-requirement.ts';
import { refuseScope } from './policy-scope-syntax.ts';
import type { Policy, PolicyRequirements } from './policy-types.ts';

/** A policy.json that containers/image would refuse; it then refuses every image. */
export class PolicyError extends CodedError<'ERR_POLICY_SYNTAX' | 'ERR_POLICY_VALUE'> {
  readonly reason: JsonReason;
  /** Member at fault, `transports.docker["quay.io"][0].type`; '' for the document itself and for syntax. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;

  constructor(cause: JsonError) {
    const isSyntax = cause.code === 'ERR_JSON_SYNTAX';
    super(isSyntax ? 'ERR_POLICY_SYNTAX' : 'ERR_POLICY_VALUE', cause.message, { cause });
    this.reason = cause.reason;
    this.path = cause.path;
    this.line = cause.line;
    this.column = cause.column;
  }
}

type Scopes = ReadonlyMap<string, PolicyRequirements>;

/**
 * Reads containers-policy.json(5) as strictly as containers/image. Throws `PolicyError` for the first thing that
 * the library would stumble over.
 */
export function parsePolicy(text: string | Uint8Array): Policy {
  try {
    return readPolicy(parseJson(text));
  } catch (error) {
    throw error instanceof JsonError ? new PolicyError(error) : error;
  }
}

function readPolicy(node: JsonNode): Policy {
  const members = readObject(node, { default: readRequirements, transports: readTransports });
  requireMembers(node, members, ['default']);
  return { default: members.default ?? [], transports: members.transports ?? new Map() };
}

function readTransports(node: JsonNode): ReadonlyMap<string, Scopes> {
  return readMap(node, (scopes, { name: transport }) =>
    readMap(scopes, (requirements, scope) => {
      const refusal = refuseScope(transport, scope.name);
      if (refusal !== undefined) throw new JsonError('invalid-scope', scope, refusal);
      return readRequirements(requirements);
    }),
  );
}

function readRequirements(node: JsonNode): PolicyRequirements {
  const items = node.kind === 'null' ? [] : listNode(node).items;
  if (items.length === 0) {
    throw new JsonError('empty-list', node, 'expected at least one requirement, found none');
  }
  return items.map(readRequirement);
}
