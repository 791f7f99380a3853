import { ForwardingHost } from '../../forwarding-host.ts';
import type { HostStat, IdentifiedContent } from '../../host.ts';
import { type ContentIdentity, DEFAULT_LIMIT_BYTES, type Host } from '../../host.ts';
import { HOST_ERROR_CODES, HostError, type HostErrorCode } from '../../host-error.ts';

/** What came of reading a file: its bytes, that it was not there, or why it could not be read. */
export type Recorded =
  | { readonly bytes: Buffer }
  | { readonly absent: true }
  | { readonly code: HostErrorCode; readonly message: string };

/** A node while a snapshot of it is taken: as the host itself, and it keeps what came of every file that was read. */
export class RecordingHost extends ForwardingHost {
  readonly files: Map<string, Recorded> = new Map();

  override async readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    try {
      const bytes = await this.host.readBytes(path, limitBytes);
      this.files.set(path, bytes === undefined ? { absent: true } : { bytes });
      return bytes;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      // The message begins with the path, as it will when it is thrown again.
      const message = error.message.replace(`${path}: `, '');
      this.files.set(path, { code: error.code, message });
      throw error;
    }
  }
  override async readIdentified(
    path: string,
    limitBytes?: number,
  ): Promise<IdentifiedContent | undefined> {
    const bytes = await this.readBytes(path, limitBytes);
    return bytes === undefined ? undefined : { bytes };
  }
}

/**
 * A node as a snapshot has it: files that were looked at, and nothing else. Of any other path nobody knows whether it is
 * there: that is `ERR_HOST_NOT_VISIBLE`, never an absence.
 */
export class RecordedHost implements Host {
  readonly root = '/';
  readonly #files: ReadonlyMap<string, Recorded>;

  constructor(files: ReadonlyMap<string, Recorded>) {
    this.#files = files;
  }

  async readBytes(
    path: string,
    limitBytes: number = DEFAULT_LIMIT_BYTES,
  ): Promise<Buffer | undefined> {
    const file = this.#files.get(path);
    if (file === undefined) throw notInSnapshot(path);
    if ('code' in file) throw new HostError(file.code, path, file.message);
    if ('absent' in file) return undefined;
    if (file.bytes.length <= limitBytes) return file.bytes;
    throw new HostError('ERR_HOST_TOO_LARGE', path, `larger than ${limitBytes} bytes`);
  }
  async readIdentified(path: string, limitBytes?: number): Promise<IdentifiedContent | undefined> {
    const bytes = await this.readBytes(path, limitBytes);
    return bytes === undefined ? undefined : { bytes };
  }
  async readText(path: string, limitBytes?: number): Promise<string | undefined> {
    return (await this.readBytes(path, limitBytes))?.toString();
  }
  async *readPieces(path: string): AsyncIterable<Buffer> {
    yield (await this.readBytes(path)) ?? Buffer.alloc(0);
  }
  async resolve(path: string): Promise<string | undefined> {
    return (await this.readBytes(path, Number.POSITIVE_INFINITY)) === undefined ? undefined : path;
  }
  async stat(path: string): Promise<HostStat | undefined> {
    throw notInSnapshot(path);
  }
  async lstat(path: string): Promise<HostStat | undefined> {
    throw notInSnapshot(path);
  }
  async list(path: string): Promise<readonly string[] | undefined> {
    throw notInSnapshot(path);
  }
  async readLink(): Promise<string | undefined> {
    return undefined;
  }
  /** Nothing is looked at twice, so nothing has to be known again. */
  identify(): ContentIdentity | undefined {
    return undefined;
  }
}

export function isHostErrorCode(code: string): code is HostErrorCode {
  return HOST_ERROR_CODES.some((one) => one === code);
}

function notInSnapshot(path: string): HostError {
  return new HostError('ERR_HOST_NOT_VISIBLE', path, 'it is not in the snapshot');
}
