import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type AnySchemaObject } from 'ajv';
import addFormats from 'ajv-formats';
import type { Test } from 'tap';
import { parse } from 'yaml';
import { sharedDir } from './shared.ts';

/** Schemas as their standards publish them lie beside the repository: `schemas` of the shared folder. */
function publishedFile(name: string): string | undefined {
  const folder = sharedDir();
  if (folder === undefined) return undefined;
  const path = join(folder, 'schemas', name);
  try {
    readFileSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/** What a published JSON Schema finds wrong with documents; undefined when the schema is not there. */
export function jsonSchema(name: string): ((document: unknown) => string) | undefined {
  const path = publishedFile(name);
  if (path === undefined) return undefined;
  const schema: AnySchemaObject = JSON.parse(readFileSync(path, 'utf8'));
  // SARIF's is of draft 4 and uses nothing that draft 7 reads otherwise; ajv knows the latter.
  const { $schema: _draft, id: _id, ...rest } = schema;
  return validator(rest);
}

/** The same by the schema in a CustomResourceDefinition. */
export function resourceSchema(name: string, version: string): ReturnType<typeof jsonSchema> {
  const path = publishedFile(name);
  if (path === undefined) return undefined;
  const { spec } = parse(readFileSync(path, 'utf8'));
  const served = spec.versions.find((one: { name: string }) => one.name === version);
  return validator(closed(served.schema.openAPIV3Schema));
}

/** A CustomResourceDefinition prunes members that it does not know: to lose them is an error here. */
function closed(schema: AnySchemaObject): AnySchemaObject {
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(items === undefined ? {} : { items: closed(items) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries<AnySchemaObject>(properties).map(([key, one]) => [key, closed(one)]),
          ),
          additionalProperties: additionalProperties ?? false,
        }),
  };
}

function validator(schema: AnySchemaObject): (document: unknown) => string {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return (document) => (validate(document) ? '' : ajv.errorsText(validate.errors));
}

/** What a published XML Schema finds wrong with a document, by xmllint; undefined when either is not there. */
export function xmlSchema(name: string): ((document: string) => string) | undefined {
  const path = publishedFile(name);
  if (path === undefined || !hasXmllint()) return undefined;
  return (document) => xmllint(['--schema', path], document);
}

export function hasXmllint(): boolean {
  try {
    execFileSync('xmllint', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What xmllint says against a document; '' when nothing. */
export function xmllint(options: readonly string[], document: string): string {
  try {
    execFileSync('xmllint', ['--noout', '--huge', ...options, '-'], {
      input: document,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return '';
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error);
  }
}

/** Holds documents against a published schema; skipped by name where there is none. */
export async function conforms<Document>(
  t: Test,
  find: ((document: Document) => string) | undefined,
  ...documents: readonly Document[]
): Promise<void> {
  const skip = find === undefined && 'the published schema is not beside the repository';
  await t.test('conforms to the published schema', { skip }, async (t) => {
    for (const document of documents) t.equal(find?.(document), '');
  });
}
