import { fieldOf } from './field-of.ts';
import type { PolicyRequirement } from './trust/policy-types.ts';
import type { SignatureVerdict } from './trust/verdict-types.ts';
import { requirementText, signatureText } from './trust-text.ts';

/*
 * Lists inside of what nodes report come as they were sent: here each member is looked at before it is put into words,
 * so that no node can keep a page, or a terminal, from being told.
 */

export function requirementTexts(value: unknown): readonly string[] {
  return list(value).map((one) => (isRequirement(one) ? requirementText(one) : other(one)));
}

export function signatureTexts(value: unknown): readonly string[] {
  return list(value).map((one) => (isSignature(one) ? signatureText(one) : other(one)));
}

/** `namespace/pod/container`. */
export function userTexts(value: unknown): readonly string[] {
  return list(value).map((one) => {
    const names = ['namespace', 'pod', 'container'].map((name) => fieldOf(one, name));
    const said = names.filter((name) => typeof name === 'string');
    return said.length === 0 ? other(one) : said.join('/');
  });
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRequirement(value: unknown): value is PolicyRequirement {
  return typeof fieldOf(value, 'type') === 'string';
}

function isSignature(value: unknown): value is SignatureVerdict {
  return (
    typeof fieldOf(value, 'index') === 'number' && typeof fieldOf(value, 'accepted') === 'boolean'
  );
}

function other(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
