import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { freePort } from './free-port.ts';

/** Why a registry cannot be had here, for `skip`; false when it can. */
export function registryMissing(): string | false {
  const found = spawnSync('docker-registry', ['--version']).error === undefined;
  return found ? false : 'needs docker-registry';
}

/** A real docker-registry on loopback, without TLS, its storage in a folder of the caller's. */
export class Registry implements AsyncDisposable {
  /** `127.0.0.1:PORT`, the host of references. */
  readonly host: string;
  readonly #process: ChildProcess;

  private constructor(host: string, child: ChildProcess) {
    this.host = host;
    this.#process = child;
  }

  static async start(folder: string): Promise<Registry> {
    mkdirSync(join(folder, 'registry'), { recursive: true });
    const host = `127.0.0.1:${await freePort()}`;
    const config = join(folder, 'registry.yml');
    // JSON is YAML.
    writeFileSync(
      config,
      JSON.stringify({
        version: 0.1,
        log: { level: 'error', accesslog: { disabled: true } },
        storage: { filesystem: { rootdirectory: join(folder, 'registry') } },
        http: { addr: host },
      }),
    );
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    const registry = new Registry(host, child);
    await registry.#answers();
    return registry;
  }

  /** Waits by asking: each refused connection is the cue for the next. */
  async #answers(): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline && this.#process.exitCode === null) {
      const answer = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((again) => setImmediate(again));
    }
    await this[Symbol.asyncDispose]();
    throw new Error('docker-registry does not answer');
  }

  /** Puts an image of one small layer; `seed` makes it differ from others. Gives its manifest. */
  async put(repository: string, tag: string, seed: string): Promise<Buffer> {
    const layer = gzipSync(tar(seed));
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Labels: { seed } },
        rootfs: { type: 'layers', diff_ids: [digestOf(tar(seed))] },
      }),
    );
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: await this.#blob(repository, config, 'application/vnd.oci.image.config.v1+json'),
        layers: [
          await this.#blob(repository, layer, 'application/vnd.oci.image.layer.v1.tar+gzip'),
        ],
      }),
    );
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, manifest, MANIFEST_TYPE);
    return manifest;
  }

  /** Attaches sigstore signatures to an image, each a payload with its annotations. */
  async attach(
    repository: string,
    manifest: Uint8Array,
    attachments: readonly {
      readonly payload: Buffer;
      readonly annotations: Readonly<Record<string, string>>;
    }[],
  ): Promise<void> {
    const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json';
    const layers: object[] = [];
    for (const { payload, annotations } of attachments) {
      layers.push({ ...(await this.#blob(repository, payload, mediaType)), annotations });
    }
    const type = 'application/vnd.oci.image.config.v1+json';
    const config = await this.#blob(repository, Buffer.from('{}'), type);
    const described = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers };
    const tag = `${digestOf(manifest).replace(':', '-')}.sig`;
    const body = Buffer.from(JSON.stringify(described));
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, body, MANIFEST_TYPE);
  }

  async #blob(repository: string, bytes: Buffer, mediaType: string): Promise<object> {
    const digest = digestOf(bytes);
    const upload = await this.#send('POST', `/v2/${repository}/blobs/uploads/`);
    const location = new URL(upload.headers.get('location') ?? '', `http://${this.host}`);
    location.searchParams.set('digest', digest);
    await this.#send('PUT', location.pathname + location.search, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  async #send(method: string, path: string, body?: Buffer, type?: string): Promise<Response> {
    const answer = await fetch(`http://${this.host}${path}`, {
      method,
      body: body === undefined ? null : new Uint8Array(body),
      headers: { 'content-type': type ?? 'application/octet-stream' },
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** One file in a tar archive (ustar), so that real tools can unpack the layer. */
function tar(content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write('seed', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}
