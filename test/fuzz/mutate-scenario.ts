import { pem } from '../support/certificates.ts';
import type { Random } from '../support/random.ts';
import { mutateBytes } from './mutate.ts';
import type { Scenario } from './scenario.ts';

/** Changes one part of a question: a signature most of the time, else a key, the manifest or the policy. */
export function mutateScenario(input: Uint8Array, random: Random): Uint8Array {
  const scenario = JSON.parse(Buffer.from(input).toString()) as Scenario; // written by scenariosOf
  return Buffer.from(JSON.stringify(mutated(scenario, random)));
}

function mutated(scenario: Scenario, random: Random): Scenario {
  const draw = random.next();
  const { signatures, files, manifest, policy } = scenario;
  const [path] = random.some(Object.keys(files), 0.5);
  if (draw < 0.1) return { ...scenario, manifest: inBase64(manifest, random) };
  if (draw < 0.2) {
    return {
      ...scenario,
      policy: Buffer.from(mutateBytes(Buffer.from(policy), random)).toString(),
    };
  }
  if (draw < 0.35 && path !== undefined) {
    return {
      ...scenario,
      isOtherKey: true,
      files: { ...files, [path]: inKeyFile(files[path] ?? '', random) },
    };
  }
  const at = random.below(signatures.length);
  return {
    ...scenario,
    signatures: signatures.map((one, index) => (index === at ? inSignature(one, random) : one)),
  };
}

function inBase64(text: string, random: Random): string {
  return Buffer.from(mutateBytes(Buffer.from(text, 'base64'), random)).toString('base64');
}

/** Armor hides what is inside from changes of bytes, so it is taken off now and then. */
function inKeyFile(text: string, random: Random): string {
  const content = Buffer.from(text, 'base64').toString('latin1');
  if (random.chance(0.5) || !content.includes('-----BEGIN ')) return inBase64(text, random);
  return Buffer.from(inPem(content, random), 'latin1').toString('base64');
}

/** Changes what one block holds; of an OpenPGP block the check sum too, which nobody then believes. */
function inPem(text: string, random: Random): string {
  const blocks = [...text.matchAll(/-----BEGIN ([^\n-]*)-----\r?\n([\s\S]*?)-----END \1-----/g)];
  const block = blocks[random.below(blocks.length)];
  if (block === undefined) return Buffer.from(mutateBytes(Buffer.from(text), random)).toString();
  const [whole, label = '', body = ''] = block;
  const digits = body.replace(/^[\s\S]*\n\r?\n/, '').replace(/^=.*$/m, '');
  const bytes = mutateBytes(Buffer.from(digits, 'base64'), random);
  const header = label.startsWith('PGP') ? '\n' : '';
  const written = pem(bytes, label).replace('-----\n', `-----\n${header}`).trimEnd();
  return text.replace(whole, () => written);
}

const HEADER = '\0sigstore-json\n';

interface Stored {
  readonly mimeType?: string;
  readonly payload?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function inSignature(text: string, random: Random): string {
  const content = Buffer.from(text, 'base64').toString();
  if (!content.startsWith(HEADER) || random.chance(0.2)) return inBase64(text, random);
  const stored = parsed<Stored>(content.slice(HEADER.length));
  if (stored === undefined) return inBase64(text, random);
  const changed = JSON.stringify(inStored(stored, random));
  return Buffer.from(HEADER + changed).toString('base64');
}

function inStored(stored: Stored, random: Random): Stored {
  const payload = typeof stored.payload === 'string' ? stored.payload : '';
  const annotations = Object.fromEntries(
    Object.entries(stored.annotations ?? {}).filter(([, value]) => typeof value === 'string'),
  );
  const names = Object.keys(annotations);
  const name = names[random.below(names.length + 1)];
  if (name === undefined) return { ...stored, payload: inBase64(payload, random) };
  return {
    ...stored,
    annotations: { ...annotations, [name]: inAnnotation(annotations[name] ?? '', random) },
  };
}

function inAnnotation(text: string, random: Random): string {
  if (random.chance(0.2)) return Buffer.from(mutateBytes(Buffer.from(text), random)).toString();
  if (text.includes('-----BEGIN ')) return inPem(text, random);
  const bundle = parsed<{ Payload?: { body?: string } }>(text);
  if (bundle === undefined) return inBase64(text, random);
  const body = bundle.Payload?.body;
  if (body === undefined || random.chance(0.5)) {
    return Buffer.from(mutateBytes(Buffer.from(text), random)).toString();
  }
  return JSON.stringify({
    ...bundle,
    Payload: { ...bundle.Payload, body: inBase64(body, random) },
  });
}

/** An object of a shape that mutations keep as far as they can; undefined when there is none left. */
function parsed<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}
