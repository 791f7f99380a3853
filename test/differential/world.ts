import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, Registry, registryMissing } from '../support/registry.ts';
import {
  type Draw,
  IMAGES,
  type Image,
  LOOKASIDES,
  SIGNERS,
  type SignatureRecipe,
} from './draw.ts';

/** Why the real tools cannot judge here, for `skip`; false when they can. */
export function judgesMissing(): string | false {
  const absent = ['skopeo', 'gpg'].filter((tool) => spawnSync(tool, ['--version']).error);
  return absent.length > 0 ? `needs ${absent.join(' and ')}` : registryMissing();
}

/** Where one draw lies on disk: what both skopeo and our engine are given. */
export interface Scene {
  readonly policyFile: string;
  readonly registriesD: string;
  /** `HOST/repository:tag` or `HOST/repository@sha256:…`. */
  readonly reference: string;
  readonly manifest: Buffer;
}

/** A registry with the images, keys with their files, and signatures made when a draw first asks for them. */
export class World implements AsyncDisposable {
  readonly #folder: string;
  readonly #registry: Registry;
  readonly #manifests = new Map<Image, Buffer>();
  readonly #signed = new Map<string, Buffer>();
  #scenes = 0;

  private constructor(folder: string, registry: Registry) {
    this.#folder = folder;
    this.#registry = registry;
  }

  static async make(folder: string): Promise<World> {
    const world = new World(folder, await Registry.start(folder));
    for (const image of IMAGES) {
      const seed = `${image.repository}:${image.tag}`;
      world.#manifests.set(image, await world.#registry.put(image.repository, image.tag, seed));
    }
    world.#makeKeys();
    return world;
  }

  /** Writes a draw out. Scenes have folders of their own, so that none sees another's signatures. */
  stage(draw: Draw): Scene {
    const folder = join(this.#folder, `scene-${this.#scenes++}`);
    const registriesD = join(folder, 'registries.d');
    mkdirSync(registriesD, { recursive: true });
    const fill = (text: string): string =>
      text
        .replaceAll('HOST', this.#registry.host)
        .replaceAll('KEYS', join(this.#folder, 'keys'))
        .replaceAll('LOOKASIDE', folder)
        .replace(/DATA:([\w.]+)/g, (_, name: string) => this.#keyData(name));
    const policyFile = join(folder, 'policy.json');
    writeFileSync(policyFile, fill(JSON.stringify(draw.policy)));
    for (const [name, text] of Object.entries(draw.registriesD)) {
      writeFileSync(join(registriesD, name), fill(text));
    }
    const manifest = this.#manifest(draw.image);
    const digest = digestOf(manifest);
    for (const lookaside of LOOKASIDES) {
      draw.lookasides[lookaside].forEach((recipe, index) => {
        const name = `${draw.image.repository}@${digest.replace(':', '=')}/signature-${index + 1}`;
        const file = join(folder, lookaside, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, this.#signature(recipe));
      });
    }
    const end = draw.byDigest ? `@${digest}` : `:${draw.image.tag}`;
    const reference = `${this.#registry.host}/${draw.image.repository}${end}`;
    return { policyFile, registriesD, reference, manifest };
  }

  /** What the real skopeo says of a scene: pulled under the policy, or refused with this message. */
  judge(scene: Scene): { readonly accepted: boolean; readonly message: string } {
    const to = join(dirname(scene.policyFile), 'pulled');
    const skopeo = spawnSync(
      'skopeo',
      [
        ...['--policy', scene.policyFile, '--registries.d', scene.registriesD],
        ...['copy', '-q', '--src-tls-verify=false', `docker://${scene.reference}`, `dir:${to}`],
      ],
      { encoding: 'utf8', env: { ...process.env, HOME: this.#folder } },
    );
    rmSync(to, { recursive: true, force: true });
    const message = /msg="(.*)"/s.exec(skopeo.stderr)?.[1] ?? skopeo.stderr;
    return { accepted: skopeo.status === 0, message };
  }

  #manifest(image: Image): Buffer {
    const manifest = this.#manifests.get(image);
    if (manifest === undefined) throw new Error(`no such image: ${image.repository}:${image.tag}`);
    return manifest;
  }

  #keyData(name: string): string {
    return readFileSync(join(this.#folder, 'keys', name)).toString('base64');
  }

  #gpg(args: readonly string[], input?: Buffer | string): Buffer {
    const home = join(this.#folder, 'gnupg');
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const common = ['--homedir', home, '--batch', '--quiet', '--trust-model', 'always'];
    return execFileSync('gpg', [...common, '--passphrase', '', ...args], {
      input: input ?? '',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  }

  #makeKeys(): void {
    const keys = join(this.#folder, 'keys');
    mkdirSync(keys);
    for (const signer of SIGNERS) {
      const algorithm = signer === 'b' ? 'ed25519' : 'rsa2048';
      this.#gpg(['--quick-gen-key', `${signer}@example.com`, algorithm, 'sign', 'never']);
    }
    const exported = (...names: string[]): Buffer =>
      this.#gpg(['--armor', '--export', ...names.map((name) => `${name}@example.com`)]);
    writeFileSync(join(keys, 'a.asc'), exported('a'));
    writeFileSync(join(keys, 'b.pgp'), this.#gpg(['--export', 'b@example.com']));
    writeFileSync(join(keys, 'c.asc'), exported('c'));
    // Two blocks in one file, as people make them with cat.
    writeFileSync(join(keys, 'ab.asc'), Buffer.concat([exported('a'), exported('b')]));
    writeFileSync(join(keys, 'garbage.asc'), 'this is no key\n');
  }

  #signature(recipe: SignatureRecipe): Buffer {
    const key = JSON.stringify(recipe);
    const known = this.#signed.get(key);
    if (known !== undefined) return known;
    const made = this.#sign(recipe);
    this.#signed.set(key, made);
    return made;
  }

  #sign({ signer, digestOf: image, reference, damage }: SignatureRecipe): Buffer {
    const payload = JSON.stringify({
      critical: {
        type: 'atomic container signature',
        image: { 'docker-manifest-digest': digestOf(this.#manifest(image)) },
        identity: { 'docker-reference': reference.replace('HOST', this.#registry.host) },
        ...(damage === 'payload' ? { more: 1 } : {}),
      },
      optional: { creator: 'differential' },
    });
    const user = ['--local-user', `${signer}@example.com`];
    const good = this.#gpg([...user, '--sign'], payload);
    switch (damage) {
      case 'flipped': {
        const bad = Buffer.from(good);
        const middle = bad.length >> 1;
        bad[middle] = (bad[middle] ?? 0) ^ 0x10;
        return bad;
      }
      case 'armored':
        return this.#gpg([...user, '--armor', '--sign'], payload);
      case 'cut':
        return good.subarray(0, good.length - 20);
      case 'twice':
        return Buffer.concat([good, good]);
      case 'not-a-signature':
        return Buffer.from('not a signature');
      case 'empty':
        return Buffer.alloc(0);
      case 'none':
      case 'payload':
        return good;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    spawnSync('gpgconf', ['--homedir', join(this.#folder, 'gnupg'), '--kill', 'all']);
    await this.#registry[Symbol.asyncDispose]();
  }
}
