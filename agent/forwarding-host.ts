import type { ContentIdentity, Host, HostStat, IdentifiedContent } from './host.ts';

/** A host that answers as another one does, for those that change a part of it. */
export class ForwardingHost implements Host {
  readonly root: string;
  protected readonly host: Host;

  constructor(host: Host) {
    this.host = host;
    this.root = host.root;
  }

  async readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    return await this.host.readBytes(path, limitBytes);
  }
  async readIdentified(path: string, limitBytes?: number): Promise<IdentifiedContent | undefined> {
    return await this.host.readIdentified(path, limitBytes);
  }
  async readText(path: string, limitBytes?: number): Promise<string | undefined> {
    return await this.host.readText(path, limitBytes);
  }
  readPieces(path: string): AsyncIterable<Buffer> {
    return this.host.readPieces(path);
  }
  async stat(path: string): Promise<HostStat | undefined> {
    return await this.host.stat(path);
  }
  async lstat(path: string): Promise<HostStat | undefined> {
    return await this.host.lstat(path);
  }
  async list(path: string): Promise<readonly string[] | undefined> {
    return await this.host.list(path);
  }
  async readLink(path: string): Promise<string | undefined> {
    return await this.host.readLink(path);
  }
  async resolve(path: string): Promise<string | undefined> {
    return await this.host.resolve(path);
  }
  identify(path: string, known?: ContentIdentity): ContentIdentity | undefined {
    return this.host.identify(path, known);
  }
}
